/** Rows of MySQL and MariaDB dumps, as mariadb-dump writes them with --complete-insert --hex-blob, one on each line. */
import { fullType, type ColumnSchema, type TableSchema } from '../sources/schema.ts';
import type { TableInfo } from '../sources/source.ts';
import { BACKSLASH, CLOSE_PAREN, COMMA, QUOTE } from './bytes.ts';
import { unwritableValue } from './errors.ts';
import { InsertCodec } from './insert-codec.ts';
import { mysqlMisfit } from './mysql-fit.ts';
import { insertHead } from './mysql-head.ts';
import {
  GENERATED,
  literalKind,
  readMysqlLiteral,
  writeMysqlLiteral,
  type LiteralKind,
} from './mysql-literals.ts';
import type { RowCodec } from './row-codec.ts';
import type { Value } from './values.ts';

const ANY: LiteralKind = { holds: 'any' };

interface Column {
  readonly name: string;
  readonly schema: ColumnSchema | undefined;
  readonly kind: LiteralKind;
}

/**
 * The codec. `edit` is as the port says, except for columns that the server computes: a dump of MariaDB has their values,
 * which are made of what is replaced here, and which the server makes again. They become DEFAULT as soon as anything changes.
 */
export function mysqlInsertCodec(table: TableInfo, schema: TableSchema): RowCodec {
  const columns = columnsOf(table, schema);
  const generated = columns.flatMap(({ kind }, at) => (kind.isGenerated === true ? [at] : []));
  return new InsertCodec({
    table: table.name,
    columns: table.columns,
    prefix: Buffer.concat([insertHead(table), Buffer.from('(')]),
    isManyRows: true,
    escape: BACKSLASH,
    fieldEnd,
    decode: (literal, position) => readMysqlLiteral(literal, columns[position]?.kind ?? ANY),
    encode: (value, position) => encode(table.name, columns[position], value),
    derived: new Map(generated.map((position) => [position, Buffer.from(GENERATED)])),
  });
}

function columnsOf(table: TableInfo, schema: TableSchema): readonly Column[] {
  const byName = new Map(schema.columns.map((column) => [column.name, column]));
  return table.columns.map((name) => {
    const column = byName.get(name);
    return { name, schema: column, kind: literalKind(column?.type ?? '', column?.generated ?? false) };
  });
}

function fieldEnd(bytes: Buffer, from: number, end: number): number | undefined {
  let at = from;
  // A string begins a literal, or stands behind the b of b'101'.
  while (at < end && bytes[at] !== COMMA && bytes[at] !== CLOSE_PAREN && bytes[at] !== QUOTE) at += 1;
  if (bytes[at] === QUOTE) at = stringEnd(bytes, at, end);
  return at < end && (bytes[at] === COMMA || bytes[at] === CLOSE_PAREN) ? at : undefined;
}

/** The position behind the closing quote; a backslash takes the next byte with it. */
function stringEnd(bytes: Buffer, open: number, end: number): number {
  let at = open + 1;
  while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function encode(table: string, column: Column | undefined, value: Value): Buffer {
  const { name, schema, kind }: Partial<Column> & Pick<Column, 'kind'> = column ?? { kind: ANY };
  const spot = { table, column: name };
  if (kind.isGenerated === true) throw unwritableValue(spot, 'the server computes it');
  const why = mysqlMisfit(value, schema === undefined ? '' : fullType(schema), schema?.nullable ?? true);
  if (why !== undefined) throw unwritableValue(spot, why);
  const literal = writeMysqlLiteral(value, kind);
  if (literal === undefined) throw unwritableValue(spot, 'it is not valid text');
  return Buffer.from(literal, 'latin1');
}
