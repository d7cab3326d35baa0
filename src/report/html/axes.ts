/** What the drawings over time have in common. */
import { dateShort } from './show.ts';

export const FRAME = { width: 520, marginLeft: 52, marginRight: 8, marginTop: 8, marginBottom: 20 } as const;
export const X_AXIS = { type: 'utc', ticks: 4, label: null, tickSize: 0, tickFormat: dateShort } as const;
export const Y_AXIS = { grid: true, label: null, tickSize: 0, zero: true, nice: true } as const;

/** The date in UTC. */
export function dayText({ at }: { readonly at: Date }): string {
  return at.toISOString().slice(0, 10);
}
