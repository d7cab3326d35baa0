/** One line of the table of promises: a figure of ours beside a peer's, or beside a limit. */
import type { Part } from './options.ts';

export interface Target {
  readonly part: Part;
  readonly what: string;
  readonly against: string;
  readonly reach: string;
  readonly ours: string;
  readonly peer: string;
  /** Ours divided by the peer's, or by the limit where there is no peer. */
  readonly ratio: number | undefined;
  readonly verdict: 'ok' | 'over' | 'no figure';
}

export interface Comparison {
  readonly part: Part;
  readonly what: string;
  readonly against: string;
  readonly limit: number;
  readonly ours: number;
  /** NaN when the limit is absolute. */
  readonly peer: number;
  readonly show: (value: number) => string;
  readonly unit: '×' | '';
}

export function compared(line: Comparison): Target {
  const { part, what, against, limit, ours, peer, show, unit } = line;
  const relative = unit === '×';
  const ratio = relative ? ours / peer : ours / limit;
  const known = !Number.isNaN(ratio);
  const text = (value: number): string => (Number.isNaN(value) ? '–' : show(value));
  return {
    part,
    what,
    against,
    reach: `≤ ${relative ? `${limit.toFixed(2)} ×` : show(limit)}`,
    ours: text(ours),
    peer: relative ? text(peer) : '',
    ratio: known ? ratio : undefined,
    verdict: !known ? 'no figure' : ratio <= (relative ? limit : 1) ? 'ok' : 'over',
  };
}

/** The middle value; of an even number of values the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN;
  return (lower + upper) / 2;
}
