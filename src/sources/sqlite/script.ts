/**
 * The script around the rows: what comes before them and after them.
 *
 * It follows `.dump` of the sqlite3 shell: virtual tables go into `sqlite_schema` by hand, so that their shadow
 * tables can be made and filled as ordinary ones. The shell from 3.42 on refuses that unless it is told otherwise
 * (SQLITE_DBCONFIG_DEFENSIVE), hence the line about how to load it.
 */
import type { Schema, SchemaObject } from './schema.ts';
import { isVirtual } from './schema.ts';
import { foldName, quoteText } from './names.ts';

/** Everything that must be there before the first row. */
export function preData(schema: Schema): string {
  const tables = schema.objects.filter(({ type }) => type === 'table');
  return [...opening(schema), ...tables.flatMap(tableLines)].join('\n') + '\n';
}

/** Inserting into AUTOINCREMENT tables has written counters: they make way for the real ones. Empty when there are none. */
export function sequenceReset(schema: Schema): string {
  return hasSequence(schema) ? 'DELETE FROM sqlite_sequence;\n' : '';
}

/** Indexes, triggers and views, in the order in which they were made; then the end of the transaction. */
export function postData(schema: Schema): string {
  const objects = schema.objects.filter(({ type }) => type !== 'table');
  return [...objects.map(statement), 'PRAGMA ignore_check_constraints=OFF;', 'COMMIT;'].join('\n') + '\n';
}

function opening(schema: Schema): string[] {
  const { settings } = schema;
  return [
    "-- Load it into an empty file: sqlite3 -cmd '.dbconfig defensive off' new.db < this.sql",
    'PRAGMA foreign_keys=OFF;',
    // These three are fixed by the first write.
    `PRAGMA encoding=${quoteText(settings.encoding)};`,
    `PRAGMA page_size=${settings.pageSize};`,
    ...(settings.autoVacuum === 0 ? [] : [`PRAGMA auto_vacuum=${settings.autoVacuum};`]),
    'BEGIN TRANSACTION;',
    // Rows that were written while a CHECK was not enforced must come back too.
    'PRAGMA ignore_check_constraints=ON;',
    ...(settings.applicationId === 0 ? [] : [`PRAGMA application_id=${settings.applicationId};`]),
    ...(settings.userVersion === 0 ? [] : [`PRAGMA user_version=${settings.userVersion};`]),
    // Without an AUTOINCREMENT table that is still there, nothing else would make sqlite_sequence.
    ...(hasSequence(schema)
      ? ['CREATE TABLE makes_sequence(id INTEGER PRIMARY KEY AUTOINCREMENT);', 'DROP TABLE makes_sequence;']
      : []),
  ];
}

function hasSequence(schema: Schema): boolean {
  return schema.objects.some(({ type, name }) => type === 'table' && foldName(name) === 'sqlite_sequence');
}

function tableLines(table: SchemaObject): string[] {
  const name = foldName(table.name);
  if (name === 'sqlite_sequence') return [];
  if (name === 'sqlite_stat1') return ['ANALYZE sqlite_schema;'];
  if (isVirtual(table)) return writable(virtualTableRow(table));
  // SQLite without STAT4 does not make this table, with it ANALYZE has made it already.
  if (name.startsWith('sqlite_'))
    return writable(statement(table).replace(/^create table /i, '$&IF NOT EXISTS '));
  return [statement(table)];
}

function writable(line: string): string[] {
  return ['PRAGMA writable_schema=ON;', line, 'PRAGMA writable_schema=OFF;'];
}

function virtualTableRow({ name, sql }: SchemaObject): string {
  const values = ['table', name, name].map(quoteText).join(',');
  return `INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql) VALUES(${values},0,${quoteText(sql)});`;
}

/** SQLite stores everything up to the semicolon, so nothing may be put before it, unless the text ends in a comment. */
function statement({ sql }: SchemaObject): string {
  return `${sql}${endOfComment(sql)};`;
}

/** Literals, names and comments; a comment may be ended by the end of the text alone. */
const SPAN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?(\*\/|$)/g;

function endOfComment(sql: string): string {
  const last = [...sql.matchAll(SPAN)].at(-1);
  if (last === undefined || last.index + last[0].length < sql.length) return '';
  if (last[0].startsWith('--')) return '\n';
  return last[0].startsWith('/*') && last[1] === '' ? '*/' : '';
}
