/** Edits of one snapshot by several purges, whose maps may differ, as one. Pure. */
import type {
  LocatedSnapshot,
  LocatedStream,
  RowEdit,
  UnitEdit,
  WholeEdit,
} from '../purge/locate/located.ts';
import type { Value } from '../rows/codec.ts';

/** What is left out of the streams of one snapshot. */
export interface LeftOut {
  readonly streams: ReadonlyMap<string, LocatedStream>;
  readonly whole: ReadonlyMap<string, Omit<WholeEdit, 'stream'>>;
}

/** A row that one purge drops is dropped; where several set a column, the first counts. */
export function mergeEdits(located: readonly LocatedSnapshot[]): LeftOut {
  const streams = new Map<string, LocatedStream>();
  const whole = new Map<string, Omit<WholeEdit, 'stream'>>();
  for (const snapshot of located) {
    for (const [name, stream] of snapshot.streams) {
      const known = streams.get(name);
      streams.set(name, known === undefined ? stream : { ...stream, units: mergeUnits(known, stream) });
    }
    for (const { stream, ...edit } of snapshot.whole)
      whole.set(stream, mergeWhole(whole.get(stream) ?? {}, edit));
  }
  return { streams, whole };
}

function mergeUnits(some: LocatedStream, others: LocatedStream): Map<number, UnitEdit> {
  const units = new Map(some.units);
  for (const [at, unit] of others.units) {
    const known = units.get(at);
    units.set(
      at,
      known === undefined
        ? unit
        : { ...known, key: `${known.key} ${unit.key}`, edits: mergeRows(known.edits, unit.edits) },
    );
  }
  return units;
}

/** @returns in the order of the rows */
export function mergeRows(some: readonly RowEdit[], others: readonly RowEdit[]): RowEdit[] {
  const rows = new Map<number, RowEdit>(some.map((edit) => [edit.start, edit]));
  for (const edit of others) {
    const known = rows.get(edit.start);
    rows.set(
      edit.start,
      known === undefined ? edit : { ...edit, change: mergeChanges(known.change, edit.change) },
    );
  }
  return [...rows.values()].sort((a, b) => a.start - b.start);
}

function mergeChanges(one: RowEdit['change'], other: RowEdit['change']): RowEdit['change'] {
  if (one === 'drop' || other === 'drop') return 'drop';
  return new Map<number, Value>([...other, ...one]);
}

/** What makes an index again need be said once only. */
function mergeWhole(one: Omit<WholeEdit, 'stream'>, other: Omit<WholeEdit, 'stream'>) {
  const texts = [...new Set([one.append, other.append].filter((text) => text !== undefined))];
  return {
    ...((one.drop ?? other.drop) && { drop: 'rows' as const }),
    ...(texts.length > 0 && { append: texts.join('') }),
  };
}
