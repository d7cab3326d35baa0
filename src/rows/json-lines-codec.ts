/**
 * Rows of the list of files: one JSON object per line, as `JSON.stringify` writes it, with the columns as its members.
 * Text that is no UTF-8 stands in base64 under the column's name and `64`. A member that is not there is NULL.
 */
import type { TableSchema } from '../sources/schema.ts';
import type { TableInfo } from '../sources/source.ts';
import { LF } from './bytes.ts';
import { unreadableRow, unwritableValue } from './errors.ts';
import type { FieldPlace, RowCodec, RowPlace, RowQuery, RowVisitor } from './row-codec.ts';
import { isJson, latin1Of, textOf, type Value } from './values.ts';

type Members = Readonly<Record<string, unknown>>;

export class JsonLinesCodec implements RowCodec {
  readonly columns: readonly string[];
  readonly #table: string;
  /** Columns whose values are text: those of others are JSON. */
  readonly #texts: ReadonlySet<string>;

  constructor(table: TableInfo, schema: TableSchema) {
    this.columns = table.columns;
    this.#table = table.name;
    this.#texts = new Set(schema.columns.filter(({ type }) => type === 'text').map(({ name }) => name));
  }

  *rows(piece: Buffer): Iterable<RowPlace> {
    if (piece.length > 0 && piece[piece.length - 1] !== LF)
      throw unreadableRow({ table: this.#table }, 'the piece ends inside a row');
    for (let start = 0; start < piece.length;) {
      const end = piece.indexOf(LF, start) + 1;
      yield { start, end, isRow: true };
      start = end;
    }
  }

  scan(piece: Buffer, _isFirst: boolean, { wanted, only }: RowQuery, visit: RowVisitor): void {
    for (const { start, end } of this.rows(piece)) {
      const members = this.#parse(piece, start, end);
      const key = only && this.#value(members, only.position);
      if (only !== undefined && (typeof key !== 'string' || !only.keys.keys.has(key))) continue;
      visit(
        wanted.map((position) => this.#value(members, position)),
        start,
        end,
      );
    }
  }

  read(row: Buffer, wanted: readonly number[]): Value[] {
    const members = this.#whole(row);
    return wanted.map((position) => this.#value(members, position));
  }

  fields(row: Buffer): readonly FieldPlace[] {
    const places = new Map<string, FieldPlace>();
    let at = 1;
    for (const [name, value] of Object.entries(this.#whole(row))) {
      const start = at + Buffer.byteLength(JSON.stringify(name)) + 1;
      const end = start + Buffer.byteLength(JSON.stringify(value));
      places.set(name, { start, end });
      at = end + 1;
    }
    return this.columns.map(
      (column) => places.get(column) ?? places.get(`${column}64`) ?? { start: 0, end: 0 },
    );
  }

  edit(row: Buffer, changes: ReadonlyMap<number, Value>): Buffer {
    const members = this.#whole(row);
    const isSame = [...changes].every(([position, value]) => this.#value(members, position) === value);
    if (isSame) return row;
    const edited: Record<string, unknown> = {};
    for (const [position, column] of this.columns.entries()) {
      const value = changes.get(position);
      if (value === undefined) copy(members, column, edited);
      else if (value !== null) this.#put(edited, column, value);
    }
    return Buffer.from(`${JSON.stringify(edited)}\n`, 'utf8');
  }

  #put(edited: Record<string, unknown>, column: string, value: string): void {
    if (!this.#texts.has(column)) {
      if (!isJson(value)) throw unwritableValue({ table: this.#table, column }, 'it is no JSON');
      edited[column] = JSON.parse(value) as unknown;
    } else if (value.isWellFormed()) edited[column] = value;
    else {
      const latin1 = latin1Of(value);
      if (latin1 === undefined)
        throw unwritableValue({ table: this.#table, column }, 'it is no text of bytes');
      edited[`${column}64`] = Buffer.from(latin1, 'latin1').toString('base64');
    }
  }

  /** A row in which nothing is but what this codec writes. */
  #whole(row: Buffer): Members {
    if (row.indexOf(LF) !== row.length - 1) throw unreadableRow({ table: this.#table }, 'it is not one line');
    const members = this.#parse(row, 0, row.length);
    const known = new Set(this.columns.flatMap((column) => [column, `${column}64`]));
    const [strange] = Object.keys(members).filter((name) => !known.has(name));
    if (strange !== undefined)
      throw unreadableRow({ table: this.#table }, 'it has a member that is no column');
    if (!Buffer.from(`${JSON.stringify(members)}\n`, 'utf8').equals(row))
      throw unreadableRow({ table: this.#table }, 'its JSON is not written as our dumps write it');
    return members;
  }

  #parse(piece: Buffer, start: number, end: number): Members {
    let parsed: unknown;
    try {
      parsed = JSON.parse(piece.toString('utf8', start, end));
    } catch {
      parsed = undefined;
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw unreadableRow({ table: this.#table }, 'it is no JSON object');
    return parsed as Members;
  }

  #value(members: Members, position: number): Value {
    const column = this.columns[position] ?? '';
    const bytes = members[`${column}64`];
    if (typeof bytes === 'string') return textOf(Buffer.from(bytes, 'base64').toString('latin1'));
    const value = members[column];
    if (value === undefined || value === null) return null;
    if (!this.#texts.has(column)) return JSON.stringify(value);
    if (typeof value === 'string') return value;
    throw unreadableRow({ table: this.#table, column }, 'it is no text');
  }
}

function copy(members: Members, column: string, edited: Record<string, unknown>): void {
  for (const name of [column, `${column}64`]) if (members[name] !== undefined) edited[name] = members[name];
}
