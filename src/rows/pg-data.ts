/**
 * Splits the output of `pg_dump --section=data` into its tables and the SQL between them.
 *
 * Only text that the lexer has placed at statement level can open a COPY block, so a function body or a
 * comment that looks like one cannot. Rows are passed on as they come, without a look at each.
 */
import type { Dialect, TableInfo } from '../sources/source.ts';
import { unplaceable, type Place } from './errors.ts';
import { SqlLexer, type SqlStatement } from './lexer.ts';
import { readCopyHeader, RowsEnd, rowsCut, type CopyHeader } from './pg-copy.ts';
import { DumpGuard } from './pg-guard.ts';
import { LineBatch, Pieces } from './pieces.ts';

/** A part of the data section; its bytes must be read to their end before the next part is asked for. */
export interface DataPart {
  /** Unique in the dump: the table's name, or what the SQL is for. */
  readonly name: string;
  readonly dialect: Dialect;
  readonly table?: TableInfo;
  readonly bytes: AsyncIterable<Buffer>;
}

export interface SplitOptions {
  /** Which of several pg_dumps this is, counted from 1; keeps the names of SQL parts apart. */
  readonly lane?: number;
}

/**
 * The parts of the data section in order: `data-settings`, one `pg-copy` part per table, and SQL parts
 * (`sequences`, `large-objects`, `data`), each without pg_dump's comments.
 *
 * @param bytes - the output of pg_dump, in any pieces
 * @throws HoldfastError DUMP_INCOMPLETE when the text was cut off, SQL_META_COMMAND, SQL_UNPLACEABLE,
 *   SQL_UNTERMINATED, SQL_TOO_LONG
 */
export async function* splitData(
  bytes: AsyncIterable<Uint8Array>,
  options: SplitOptions = {},
): AsyncIterable<DataPart> {
  const splitter = new DataSplitter(bytes, options.lane ?? 1);
  try {
    yield* splitter.parts();
  } finally {
    await splitter.close();
  }
}

class DataSplitter {
  readonly #lane: number;
  readonly #pieces: Pieces;
  readonly #guard = new DumpGuard('data');
  readonly #names = new Set<string>();
  #lexer = new SqlLexer(this.#guard.lexerOptions);
  #statement: SqlStatement | undefined;
  #table = '';
  #isRead = true;

  constructor(bytes: AsyncIterable<Uint8Array>, lane: number) {
    this.#lane = lane;
    this.#pieces = new Pieces(bytes);
  }

  async *parts(): AsyncIterable<DataPart> {
    this.#statement = await this.#next();
    while (this.#statement !== undefined) {
      yield this.#part(this.#statement);
      if (!this.#isRead) throw new Error('a part of the dump was not read to its end');
    }
    this.#guard.finish();
  }

  close(): Promise<void> {
    return this.#pieces.close();
  }

  #part(first: SqlStatement): DataPart {
    const header = readCopyHeader(first.bytes, this.#place(first.line));
    this.#isRead = false;
    if (header === undefined) {
      const kind = kindOf(first.bytes);
      return {
        name: this.#unique(this.#lane > 1 ? `${kind}@${this.#lane}` : kind),
        dialect: 'sql',
        bytes: this.#sql(kind),
      };
    }
    const table = { name: header.table, columns: header.columns };
    return { name: this.#unique(header.table), dialect: 'pg-copy', table, bytes: this.#copy(first, header) };
  }

  /** The statements from the current one to the last that is for the same thing. */
  async *#sql(kind: string): AsyncIterable<Buffer> {
    const batch = new LineBatch();
    while (this.#statement !== undefined && kindOf(this.#statement.bytes) === kind) {
      const full = batch.add(this.#statement.bytes);
      if (full !== undefined) yield full;
      this.#statement = await this.#next();
    }
    const rest = batch.take();
    if (rest !== undefined) yield rest;
    this.#isRead = true;
  }

  /** The header, the rows and the line that ends them. */
  async *#copy(statement: SqlStatement, header: CopyHeader): AsyncIterable<Buffer> {
    this.#pieces.unread(this.#lexer.takeRest());
    await this.#lineEnd(statement);
    yield Buffer.concat([statement.bytes, Buffer.from('\n')]);
    const end = new RowsEnd();
    for (;;) {
      const piece = await this.#pieces.next();
      if (piece === undefined) throw rowsCut(header);
      const at = end.find(piece);
      yield at === -1 || at === piece.length ? piece : piece.subarray(0, at);
      if (at === -1) continue;
      this.#pieces.unread(piece.subarray(at));
      break;
    }
    this.#table = header.table;
    this.#lexer = new SqlLexer({ ...this.#guard.lexerOptions, name: `data after table ${header.table}` });
    this.#statement = await this.#next();
    this.#isRead = true;
  }

  /** psql ignores what follows the header on its line; pg_dump writes nothing there. */
  async #lineEnd(statement: SqlStatement): Promise<void> {
    const piece = await this.#pieces.next();
    if (piece === undefined || piece[0] !== 0x0a) {
      throw unplaceable(
        this.#place(statement.line),
        'something other than a line end after COPY … FROM stdin;',
      );
    }
    this.#pieces.unread(piece.subarray(1));
  }

  async #next(): Promise<SqlStatement | undefined> {
    for (;;) {
      const statement = this.#lexer.next();
      if (statement !== undefined) {
        this.#guard.statement(statement.line);
        return statement;
      }
      const piece = await this.#pieces.next();
      if (piece === undefined) break;
      this.#lexer.push(piece);
    }
    this.#lexer.end();
    const last = this.#lexer.next();
    if (last !== undefined) this.#guard.statement(last.line);
    return last;
  }

  #unique(name: string): string {
    let unique = name;
    for (let number = 2; this.#names.has(unique); number += 1) unique = `${name}#${number}`;
    this.#names.add(unique);
    return unique;
  }

  #place(line: number): Place {
    return { name: this.#table === '' ? 'data' : `data after table ${this.#table}`, line };
  }
}

const KINDS: readonly (readonly [RegExp, string])[] = [
  [/^(SET |SELECT pg_catalog\.set_config\()/, 'data-settings'],
  [/^SELECT pg_catalog\.setval\(/, 'sequences'],
  [/^(BEGIN;|COMMIT;|SELECT pg_catalog\.(lo_|lowrite))/, 'large-objects'],
  [/^COPY\s/i, 'table'],
];

/** What a statement of the data section is for. */
function kindOf(statement: Buffer): string {
  const start = statement.toString('latin1', 0, 48);
  return KINDS.find(([pattern]) => pattern.test(start))?.[1] ?? 'data';
}
