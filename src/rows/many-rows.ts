/** Statements of many rows: what a row has only because others stand around it. */
import { COMMA, OPEN_PAREN, SEMICOLON } from './bytes.ts';

/** Above so many bytes each row becomes a statement of its own: a segment may end behind any of them. */
const JOINED_BYTES_MAX = 1024 * 1024;
/** Behind the closing bracket: a comma or semicolon, and the line end. */
const TAIL_BYTES = 2;

/** The row from bracket to bracket. @param prefix - what a statement has before the first value, its bracket included */
export function bareRow(row: Buffer, prefix: Buffer): Buffer {
  const from = row[0] === OPEN_PAREN ? 0 : prefix.length - 1;
  return row.subarray(from, row.length - TAIL_BYTES);
}

/**
 * Rows of a piece as statements: the first of them with the prefix, a row behind a comma without it, the last with a
 * semicolon. Where statements ended they end still, unless their last row is gone.
 */
export function rejoinRows(rows: readonly Buffer[], prefix: Buffer): readonly Buffer[] {
  const bytes = rows.reduce((sum, row) => sum + row.length, 0);
  const head = prefix.subarray(0, -1);
  const begins = rows.map(
    (row, at) => bytes > JOINED_BYTES_MAX || row[0] !== OPEN_PAREN || rows[at - 1]?.at(-TAIL_BYTES) !== COMMA,
  );
  return rows.map((row, at) => {
    const isLast = begins[at + 1] ?? true;
    const headed = begins[at] === true && row[0] === OPEN_PAREN ? Buffer.concat([head, row]) : row;
    return ended(headed, isLast ? SEMICOLON : COMMA);
  });
}

function ended(row: Buffer, byte: number): Buffer {
  if (row.at(-TAIL_BYTES) === byte) return row;
  const changed = Buffer.from(row);
  changed[row.length - TAIL_BYTES] = byte;
  return changed;
}
