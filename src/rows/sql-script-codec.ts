/**
 * Scripts of PostgreSQL, read statement by statement, so that some can be taken out: each ends with its line end, as
 * `LineBatch` writes them, and nothing but white space stands between them.
 */
import { classOf, CLASS } from './bytes.ts';
import { unreadableRow } from './errors.ts';
import { SqlLexer } from './lexer.ts';
import type { FieldPlace, RowCodec, RowPlace, RowQuery, RowVisitor } from './row-codec.ts';
import type { Value } from './values.ts';

/** The whole statements at the beginning of a piece. */
export interface Statements {
  /** One behind the other, from the piece's first byte; each with the white space behind it. */
  readonly places: readonly RowPlace[];
  /** Where the last one ends: the piece's length, unless it ends inside a statement. */
  readonly end: number;
}

/**
 * Finds them. However a script was cut, a piece that begins with a statement gives the same ones.
 *
 * @param name - what the script is called in errors
 * @throws HoldfastError ROW_UNREADABLE for a comment between statements, and what the lexer throws
 */
export function statementsIn(piece: Buffer, name: string): Statements {
  const lexer = new SqlLexer({ name });
  const places: RowPlace[] = [];
  let start = 0;
  lexer.push(piece);
  for (let statement = lexer.next(); statement !== undefined; statement = lexer.next()) {
    const { bytes } = statement;
    if (!piece.subarray(start, start + bytes.length).equals(bytes))
      throw unreadableRow({ table: name }, 'something that is no statement stands between two of them');
    const end = behindSpace(piece, start + bytes.length);
    places.push({ start, end, isRow: true });
    start = end;
  }
  return { places, end: start };
}

function behindSpace(piece: Buffer, from: number): number {
  let at = from;
  while (at < piece.length && classOf(piece[at] ?? 0) === CLASS.space) at += 1;
  return at;
}

/** Statements as rows without columns: they can be taken out, nothing else. */
export class SqlScriptCodec implements RowCodec {
  readonly columns: readonly string[] = [];
  readonly #name: string;

  /** @param name - what the script is called in errors */
  constructor(name: string) {
    this.#name = name;
  }

  rows(piece: Buffer): Iterable<RowPlace> {
    const { places, end } = statementsIn(piece, this.#name);
    if (end < piece.length) throw unreadableRow({ table: this.#name }, 'the piece ends inside a statement');
    return places;
  }

  scan(piece: Buffer, _isFirst: boolean, _query: RowQuery, visit: RowVisitor): void {
    for (const { start, end } of this.rows(piece)) visit([], start, end);
  }

  read(): Value[] {
    return [];
  }

  fields(): readonly FieldPlace[] {
    return [];
  }

  edit(statement: Buffer, changes: ReadonlyMap<number, Value>): Buffer {
    if (changes.size > 0) throw new Error(`statements of ${this.#name} have no columns`);
    return statement;
  }
}
