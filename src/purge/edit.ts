/** Carrying out the edits of one unit, and proof that nothing else has changed. Pure. */
import type { RowCodec, Value } from '../rows/codec.ts';
import { editUnsound } from './locate-errors.ts';
import type { RowEdit, UnitEdit } from './located.ts';

/**
 * The unit's plaintext after its edits. It checks itself: the result is split into rows again, and each is either
 * the same bytes as before, or an edited row that reads as it should; dropped rows are not among them.
 *
 * @param plain - of all segments of the unit, back to back
 * @throws HoldfastError PURGE_EDIT_UNSOUND, and what the codec throws
 */
export function applyEdit(
  plain: Buffer,
  { unit, isFirst, edits }: Pick<UnitEdit, 'unit' | 'isFirst' | 'edits'>,
  codec: RowCodec,
): Buffer {
  const byStart = new Map(edits.map((edit) => [edit.start, edit]));
  const kept: Kept[] = [];
  for (const { start, end, isRow } of codec.rows(plain, isFirst)) {
    const edit = byStart.get(start);
    byStart.delete(start);
    if (edit !== undefined && (edit.end !== end || !isRow))
      throw editUnsound(unit.key, `the edit at byte ${start} is not for a row`);
    const bytes = edited(plain.subarray(start, end), edit, codec);
    if (bytes !== undefined) kept.push({ bytes, isRow, change: edit?.change });
  }
  const [lost] = byStart.keys();
  if (lost !== undefined) throw editUnsound(unit.key, `there is no row at byte ${lost}`);
  const result = Buffer.concat(kept.map(({ bytes }) => bytes));
  prove(result, kept, unit.key, isFirst, codec);
  return result;
}

/** A line that stays. */
interface Kept {
  readonly bytes: Buffer;
  readonly isRow: boolean;
  readonly change: RowEdit['change'] | undefined;
}

function edited(row: Buffer, edit: RowEdit | undefined, codec: RowCodec): Buffer | undefined {
  if (edit === undefined) return row;
  return edit.change === 'drop' ? undefined : codec.edit(row, edit.change);
}

/** Reads the result as a stranger would, and compares. */
function prove(result: Buffer, kept: readonly Kept[], key: string, isFirst: boolean, codec: RowCodec): void {
  let at = 0;
  for (const { start, end, isRow } of codec.rows(result, isFirst)) {
    const expected = kept[at++];
    const row = result.subarray(start, end);
    if (expected === undefined || expected.isRow !== isRow || !expected.bytes.equals(row))
      throw editUnsound(key, `line ${at} of the result is another one`);
    const { change } = expected;
    if (change !== undefined && change !== 'drop' && !reads(row, change, codec))
      throw editUnsound(key, `line ${at} of the result does not have its new values`);
  }
  if (at !== kept.length) throw editUnsound(key, `the result has ${at} of ${kept.length} lines`);
}

function reads(row: Buffer, change: ReadonlyMap<number, Value>, codec: RowCodec): boolean {
  const values = codec.read(row, [...change.keys()]);
  return [...change.values()].every((value, index) => values[index] === value);
}
