/** The text of a `pg-copy` stream: its COPY line, its rows, its end. No row is looked at. */
import { isUtf8 } from 'node:buffer';
import { notCopy } from './load-errors.ts';
import { nameKey, TokenReader, tokensOf } from './load-names.ts';

export interface CopyText {
  /** `public.users (id, name)` or `public.empty`: what stands between COPY and FROM. */
  readonly target: string;
  /** The table without the columns, as SQL. */
  readonly table: string;
  /** The rows in the pieces in which they come. Throws LOAD_NOT_COPY when the end is missing or not the end. */
  readonly rows: AsyncIterable<Buffer>;
}

const NAME = String.raw`(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)`;
const TABLE = String.raw`${NAME}(?:\.${NAME})?`;
const COPY_LINE = new RegExp(
  String.raw`^COPY ((${TABLE})(?: \(${NAME}(?:, ${NAME})*\))?) {1,2}FROM stdin;\n`,
  'u',
);
/** PostgreSQL has at most 1,600 columns with names of at most 63 bytes. */
const LONGEST_LINE = 1024 * 1024;
const LF = 0x0a;
const END = Buffer.from('\\.\n');
const END_ON_A_LINE = Buffer.from('\n\\.\n');

/**
 * Opens a data stream.
 * @param expected - key of the table that the stream belongs to (see nameKey): a COPY into another one is refused
 * @throws HoldfastError LOAD_NOT_COPY when it does not begin with the COPY line that pg_dump writes
 */
export async function openCopy(
  pieces: AsyncIterable<Buffer>,
  stream: string,
  expected: string | undefined,
): Promise<CopyText> {
  const source = pieces[Symbol.asyncIterator]();
  try {
    const { line, rest } = await copyLine(source, stream);
    const [, target = '', table = ''] = COPY_LINE.exec(line) ?? [];
    const key = nameKey(new TokenReader([...tokensOf(table)]).name() ?? []);
    if (expected !== undefined && key !== expected) throw notCopy(stream, `its rows are for ${table}`);
    return { target, table, rows: rowsOf(rest, source, stream) };
  } catch (error) {
    await source.return?.();
    throw error;
  }
}

async function copyLine(
  source: AsyncIterator<Buffer>,
  stream: string,
): Promise<{ readonly line: string; readonly rest: Buffer }> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < LONGEST_LINE) {
    const next = await source.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
    const text = head.toString('utf8', 0, Math.min(head.length, LONGEST_LINE));
    const line = COPY_LINE.exec(text)?.[0];
    if (line === undefined) continue;
    const size = Buffer.byteLength(line);
    // Bytes that are no UTF-8 would come back as other bytes, and so name another table.
    if (!isUtf8(head.subarray(0, size))) break;
    return { line, rest: head.subarray(size) };
  }
  throw notCopy(stream, 'it does not begin with a COPY line');
}

async function* rowsOf(first: Buffer, source: AsyncIterator<Buffer>, stream: string): AsyncGenerator<Buffer> {
  const cutter = new RowCutter(stream);
  try {
    const rows = cutter.push(first);
    if (rows.length > 0) yield rows;
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      const more = cutter.push(next.value);
      if (more.length > 0) yield more;
    }
    cutter.end();
  } finally {
    await source.return?.();
  }
}

/**
 * Takes off the line `\.` that ends the rows, wherever the pieces happen to be cut. A server would take it as the
 * end too and drop whatever follows without a word, so what follows is refused.
 */
class RowCutter {
  readonly #stream: string;
  #atLineStart = true;
  #held: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(stream: string) {
    this.#stream = stream;
  }

  /** The rows in this piece. */
  push(piece: Buffer): Buffer {
    if (this.#ended) return this.#afterEnd(piece);
    const bytes = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    const end = this.#endIn(bytes);
    if (end !== -1) {
      this.#ended = true;
      this.#afterEnd(bytes.subarray(end + END.length));
      return bytes.subarray(0, end);
    }
    const keep = this.#startOfEnd(bytes);
    const rows = bytes.subarray(0, bytes.length - keep);
    this.#held = bytes.subarray(bytes.length - keep);
    if (rows.length > 0) this.#atLineStart = rows[rows.length - 1] === LF;
    return rows;
  }

  /** @throws HoldfastError LOAD_NOT_COPY when the rows have no end. */
  end(): void {
    const isEnd = this.#ended || this.#held.equals(END.subarray(0, 2));
    if (!isEnd) throw notCopy(this.#stream, 'its rows do not end: the dump is cut off');
  }

  #afterEnd(piece: Buffer): Buffer {
    if (piece.some((byte) => byte !== LF))
      throw notCopy(this.#stream, 'something follows the end of its rows');
    return Buffer.alloc(0);
  }

  #endIn(bytes: Buffer): number {
    if (this.#atLineStart && bytes.subarray(0, END.length).equals(END)) return 0;
    const found = bytes.indexOf(END_ON_A_LINE);
    return found === -1 ? -1 : found + 1;
  }

  /** How many of the last bytes may be the first ones of the end. */
  #startOfEnd(bytes: Buffer): number {
    for (const size of [2, 1]) {
      const at = bytes.length - size;
      const onALine = at === 0 ? this.#atLineStart : at > 0 && bytes[at - 1] === LF;
      if (onALine && bytes.subarray(at).equals(END.subarray(0, size))) return size;
    }
    return 0;
  }
}
