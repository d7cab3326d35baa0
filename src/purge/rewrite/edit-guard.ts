/**
 * Rows that lose some of their values and stay: nothing of the subject may be left in the others. What a map keeps on a
 * legal basis is left alone: there, what stays is what somebody has decided on.
 */
import pLimit from 'p-limit';
import { throwIfCancelled } from '../../errors.ts';
import type { RowCodec } from '../../rows/codec.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { ReadStore } from '../../stores/store.ts';
import { mentionLeft } from '../errors.ts';
import type { Identifiers } from '../scan/identifiers.ts';
import type { Located, UnitEdit } from '../locate/located.ts';
import { mentionedColumns } from '../scan/mentions.ts';
import { allOrFirstError, openSegmentAt } from './new-segments.ts';

const OPENED_AT_ONCE = 8;

/** Looks at edited rows. */
export class EditGuard {
  readonly #identifiers: Identifiers;

  constructor(identifiers: Identifiers) {
    this.#identifiers = identifiers;
  }

  /** True when there may be something to be found in a unit. */
  isFor({ edits }: Pick<UnitEdit, 'edits'>): boolean {
    return this.#identifiers.values > 0 && edits.some(({ change, isKept }) => change !== 'drop' && !isKept);
  }

  /**
   * The columns in which an identifier is left.
   * @param plain - of the unit, before its edits
   * @throws HoldfastError ROW_UNREADABLE, ROW_UNWRITABLE
   */
  left(plain: Buffer, { edits }: Pick<UnitEdit, 'edits'>, codec: RowCodec): readonly string[] {
    const columns = new Set<string>();
    for (const { start, end, change, isKept } of edits) {
      if (change === 'drop' || isKept) continue;
      const row = codec.edit(plain.subarray(start, end), change);
      for (const position of mentionedColumns(row, this.#identifiers, codec))
        columns.add(codec.columns[position] ?? '');
    }
    return [...columns];
  }

  /** Throws PURGE_MENTION_LEFT, with table and column. */
  check(plain: Buffer, edit: UnitEdit, codec: RowCodec): void {
    if (!this.isFor(edit)) return;
    const [column] = this.left(plain, edit, codec);
    if (column !== undefined) throw mentionLeft(edit.table, column);
  }
}

/**
 * What the guard would refuse, found out before anything is written: units with such rows are opened once more.
 * @returns sentences with table and column
 */
export async function mentionsInEdited(
  { snapshots }: Pick<Located, 'snapshots'>,
  guard: EditGuard,
  source: { readonly store: ReadStore; readonly pool: Pick<SegmentPool, 'open'> },
  signal: AbortSignal,
): Promise<string[]> {
  const jobs = new Map<string, { readonly edit: UnitEdit; readonly codec: RowCodec }>();
  for (const { streams } of snapshots)
    for (const { units, codec } of streams.values())
      for (const edit of units.values()) if (guard.isFor(edit)) jobs.set(edit.key, { edit, codec });
  const found = new Set<string>();
  const look = async ({ edit, codec }: { readonly edit: UnitEdit; readonly codec: RowCodec }) => {
    throwIfCancelled(signal);
    const { segments, place } = edit.unit;
    const parts: Buffer[] = [];
    for (const ref of segments) parts.push(await openSegmentAt({ ...source, place }, ref, signal));
    for (const column of guard.left(Buffer.concat(parts), edit, codec))
      found.add(describeLeft(edit.table, column));
  };
  const limit = pLimit(OPENED_AT_ONCE);
  await allOrFirstError([...jobs.values()].map((job) => limit(() => look(job))));
  return [...found].sort();
}

function describeLeft(table: string, column: string): string {
  return `a row of ${table} that stays still names them in column ${column}: let the map set this column, too`;
}
