/** The beginning of an INSERT that names its columns: INSERT INTO, table, columns in brackets, VALUES and a bracket. */
import type { TableInfo } from '../sources/source.ts';
import { backquoted, plainName, tableName } from './mysql-names.ts';

export interface InsertHead {
  /** As `TableInfo.name`. */
  readonly table: string;
  readonly columns: readonly string[];
  /** All bytes before the first value. */
  readonly bytes: Buffer;
}

/** A source refuses names with line ends (MYSQL_NAME), and the client has trouble with the others. */
// eslint-disable-next-line no-control-regex -- it is about these
const NAME = /(?:[^`\0\n\r\x1a]|``)+/.source;
const HEAD = new RegExp(`^INSERT INTO \`(${NAME})\` \\((\`${NAME}\`(?:, \`${NAME}\`)*)\\) VALUES[ \n]\\(`);

/** What stands before the rows of a statement: all bytes before the bracket that opens the first of them. */
export function insertHead({ name, columns }: TableInfo): Buffer {
  return Buffer.from(
    `INSERT INTO ${backquoted(plainName(name))} (${columns.map(backquoted).join(', ')}) VALUES `,
  );
}

/** Reads it; undefined when the line begins otherwise. */
export function readInsertHead(line: Buffer): InsertHead | undefined {
  // Names are UTF-8; a backtick and a bracket are never part of a longer character there.
  const match = HEAD.exec(line.toString('utf8', 0, Math.min(line.length, HEAD_BYTES_MAX)));
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const columns = [...match[2].matchAll(/`((?:[^`]|``)+)`/g)].map(([, name = '']) => unquote(name));
  const bytes = Buffer.from(match[0], 'utf8');
  if (!line.subarray(0, bytes.length).equals(bytes)) return undefined;
  return { table: tableName(unquote(match[1])), columns, bytes };
}

/** 4,096 columns of 64 characters are more than a server allows. */
const HEAD_BYTES_MAX = 2 * 1024 * 1024;

function unquote(name: string): string {
  return name.replaceAll('``', '`');
}
