/** Carrying out the edits of one unit, and proof that nothing else has changed. Pure. */
import type { RowCodec, Value } from '../../rows/codec.ts';
import { editUnsound } from '../locate/locate-errors.ts';
import type { RowEdit, UnitEdit } from '../locate/located.ts';

/**
 * The unit's plaintext after its edits. It checks itself: the result is split into rows again, and each lies where a row
 * was put that stays as it was, or an edited row that reads as it should; dropped rows are not among them.
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
  const parts: Buffer[] = [];
  const lines: Line[] = [];
  /** Lines that stay, where they depend on each other. */
  const left: Buffer[] | undefined = codec.rejoin && [];
  /** Begin of what stays as it is, not yet among the parts. */
  let same = 0;
  let length = 0;
  let last = 0;
  for (const { start, end, isRow } of codec.rows(plain, isFirst)) {
    if (start !== last) {
      parts.push(plain.subarray(same, last));
      same = start;
    }
    last = end;
    const edit = byStart.get(start);
    if (edit === undefined) {
      lines.push({ end: (length += end - start), isRow, change: undefined });
      left?.push(plain.subarray(start, end));
      continue;
    }
    byStart.delete(start);
    if (edit.end !== end || !isRow) throw editUnsound(unit.key, `the edit at byte ${start} is not for a row`);
    parts.push(plain.subarray(same, start));
    same = end;
    if (edit.change === 'drop') continue;
    const bytes = codec.edit(plain.subarray(start, end), edit.change);
    parts.push(bytes);
    lines.push({ end: (length += bytes.length), isRow, change: edit.change });
    left?.push(bytes);
  }
  const [lost] = byStart.keys();
  if (lost !== undefined) throw editUnsound(unit.key, `there is no row at byte ${lost}`);
  parts.push(plain.subarray(same, last));
  if (left === undefined) return proven(Buffer.concat(parts), lines, unit.key, isFirst, codec);
  const rejoined = codec.rejoin?.(left) ?? left;
  const moved = atTheirEnds(lines, rejoined);
  return proven(Buffer.concat(rejoined), moved, unit.key, isFirst, codec);
}

/** The same lines, as long as they are now. */
function atTheirEnds(lines: readonly Line[], bytes: readonly Buffer[]): readonly Line[] {
  let end = 0;
  return lines.map((line, at) => ({ ...line, end: (end += bytes[at]?.length ?? 0) }));
}

/** A line that stays. */
interface Line {
  /** In the result. */
  readonly end: number;
  readonly isRow: boolean;
  readonly change: Exclude<RowEdit['change'], 'drop'> | undefined;
}

/** Reads the result as a stranger would: its lines have to begin and end where they were put. */
function proven(
  result: Buffer,
  lines: readonly Line[],
  key: string,
  isFirst: boolean,
  codec: RowCodec,
): Buffer {
  let at = 0;
  let begin = 0;
  for (const { start, end, isRow } of codec.rows(result, isFirst)) {
    const line = lines[at++];
    if (line?.isRow !== isRow || start !== begin || end !== line.end)
      throw editUnsound(key, `line ${at} of the result is another one`);
    begin = end;
    if (line.change !== undefined && !reads(result.subarray(start, end), line.change, codec))
      throw editUnsound(key, `line ${at} of the result does not have its new values`);
  }
  if (at !== lines.length) throw editUnsound(key, `the result has ${at} of ${lines.length} lines`);
  return result;
}

function reads(row: Buffer, change: ReadonlyMap<number, Value>, codec: RowCodec): boolean {
  const values = codec.read(row, [...change.keys()]);
  return [...change.values()].every((value, index) => values[index] === value);
}
