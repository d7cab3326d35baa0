/** Rows of our SQLite dumps (`sources/sqlite/rows.ts`). */
import type { TableSchema } from '../sources/schema.ts';
import type { TableInfo } from '../sources/source.ts';
import { CLOSE_PAREN, OPEN_PAREN, QUOTE } from './bytes.ts';
import { unwritableValue } from './errors.ts';
import { InsertCodec } from './insert-codec.ts';
import type { RowCodec } from './row-codec.ts';
import { readLiteral, writeLiteral, type TextEncoding } from './sqlite-literals.ts';
import type { Value } from './values.ts';

const COMMA = 0x2c;
/** X'00ff' */
const BLOB = 0x58;

export function sqlInsertCodec(table: TableInfo, schema: TableSchema, encoding: TextEncoding): RowCodec {
  const { columns } = table;
  const name = table.name.startsWith('"') ? table.name : quoted(table.name);
  return new InsertCodec({
    table: table.name,
    columns,
    prefix: Buffer.from(`INSERT INTO ${name}(${columns.map(quoted).join(',')}) VALUES(`),
    escape: QUOTE,
    fieldEnd,
    decode: (literal) => readLiteral(literal, encoding),
    encode: (value, position, before) => {
      const column = columns[position];
      return encode({ table: table.name, column }, value, schema, before === BLOB, encoding);
    },
    derived: new Map(),
  });
}

function fieldEnd(bytes: Buffer, from: number, end: number): number | undefined {
  let depth = 0;
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      // A doubled quote ends one literal and opens the next: for finding the end that is the same.
      do at += 1;
      while (at < end && bytes[at] !== QUOTE);
    } else if (byte === OPEN_PAREN) depth += 1;
    else if (byte === CLOSE_PAREN) {
      if (depth === 0) return at;
      depth -= 1;
    } else if (byte === COMMA && depth === 0) return at;
  }
  return undefined;
}

function encode(
  spot: { readonly table: string; readonly column: string | undefined },
  value: Value,
  schema: TableSchema,
  wasBlob: boolean,
  encoding: TextEncoding,
): Buffer {
  const column = schema.columns.find(({ name }) => name === spot.column);
  if (value === null && column?.nullable === false) throw unwritableValue(spot, 'the column is NOT NULL');
  const literal = writeLiteral(value, column?.type ?? 'INTEGER', wasBlob, encoding);
  if (literal === undefined) throw unwritableValue(spot, 'it is not valid text');
  if (isRowid(schema, spot.column) && !/^-?[0-9]+$/.test(literal))
    throw unwritableValue(spot, 'it is no integer, and this column is the rowid');
  return Buffer.from(literal, 'latin1');
}

/** A column that only takes integers: the rowid itself, which no schema lists, or its INTEGER PRIMARY KEY. */
function isRowid({ columns, primaryKey }: TableSchema, name: string | undefined): boolean {
  const column = columns.find((each) => each.name === name);
  if (column === undefined) return true;
  return primaryKey.length === 1 && primaryKey[0] === name && /^integer$/i.test(column.type);
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
