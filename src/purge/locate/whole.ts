/**
 * What is made anew as a whole, not by its rows (SQLite). A full-text index keeps words of rows that are gone, and of
 * older versions of those that are there, until its parts are merged some day: somebody may be in it of whom no row is
 * left. So all that such an index has stored goes, and the script makes it again from the text that stays.
 */
import type { ManifestStream } from '../../repository/manifest.ts';
import type { TableSchema } from '../../sources/schema.ts';
import { canBeRebuilt, isTextOf } from '../../subjects/full-text.ts';
import { ruleFor } from '../../subjects/map.ts';
import { quoteName, unquotedName } from '../../subjects/sql-names.ts';
import { wholeUnsupported } from './locate-errors.ts';
import type { WholeEdit } from './located.ts';
import type { Prepared } from './prepare.ts';
import type { Rehearsals } from './rehearse.ts';

/**
 * The edits of whole streams, in the order of the streams; none where all was made anew by an earlier purge already.
 * @param rehearsals - of all snapshots so far
 * @throws HoldfastError PURGE_WHOLE for an index that cannot be made again
 */
export async function wholeEdits(
  prepared: Prepared,
  rehearsals: Rehearsals,
  signal: AbortSignal,
): Promise<readonly WholeEdit[]> {
  const indexes = indexesOf(prepared);
  const samples = tablesOf(prepared, isStatistics);
  const emptied = new Set([...indexes, ...samples].flatMap(({ streams }) => streams));
  if (emptied.size === 0) return [];
  const last = prepared.manifest.streams.findLast(({ section }) => section === 'post-data');
  const { snapshot } = prepared.manifest.binding;
  if (last === undefined) throw new Error(`snapshot ${snapshot} has no post-data`);
  const append = scriptFor(indexes, samples.length > 0);
  const failure = await rehearsals.of(prepared, append, signal);
  if (failure !== undefined) {
    const names = indexes.map(({ table }) => table.name).join(', ');
    throw wholeUnsupported(snapshot, `the index ${names} cannot be made again: ${failure}`);
  }
  const edits: WholeEdit[] = [];
  for (const stream of prepared.manifest.streams) {
    const { name } = stream;
    if (emptied.has(stream)) {
      const segments = await Array.fromAsync(prepared.reader.segments(stream, signal));
      edits.push({ stream: name, drop: 'rows', segments });
    } else if (stream === last) edits.push({ stream: name, append });
  }
  return edits;
}

/** Something to be made anew, and the streams that hold rows of it. */
interface Stored {
  readonly table: TableSchema;
  readonly streams: readonly ManifestStream[];
}

/** Full-text indexes that the map calls rebuilt, or whose tables it does. */
function indexesOf({ schema, map, manifest, engine }: Prepared): readonly Stored[] {
  return schema.tables.flatMap((table): Stored[] => {
    const own = schema.tables.filter((shadow) => shadow.shadowOf === table.name && !keepsText(shadow));
    const isRebuilt = [table, ...own].some((one) => ruleFor(map, one)?.kind === 'rebuilt');
    if (table.virtual === undefined || !isRebuilt) return [];
    if (!canBeRebuilt(table) || engine !== 'sqlite')
      throw wholeUnsupported(
        manifest.binding.snapshot,
        `the index ${table.name} keeps no text from which it could be made again`,
      );
    const names = new Set(own.map(({ name }) => name));
    const streams = withRows(manifest.streams, names);
    return streams.length > 0 ? [{ table, streams }] : [];
  });
}

/** The text itself is edited by its rows; what an index was told about itself stays (sqlite.org/fts5.html, 4.4). */
function keepsText(shadow: TableSchema): boolean {
  return isTextOf(shadow) || /_config"?$/i.test(shadow.name);
}

function tablesOf(
  { schema, map, manifest }: Prepared,
  isMeant: (table: TableSchema) => boolean,
): readonly Stored[] {
  return schema.tables
    .filter((table) => isMeant(table) && ruleFor(map, table)?.kind === 'rebuilt')
    .map((table) => ({ table, streams: withRows(manifest.streams, new Set([table.name])) }))
    .filter(({ streams }) => streams.length > 0);
}

/** Samples of values. */
function isStatistics({ name }: TableSchema): boolean {
  return /^sqlite_stat[1-4]$/i.test(name);
}

function withRows(streams: readonly ManifestStream[], tables: ReadonlySet<string>): ManifestStream[] {
  return streams.filter(({ table, segments }) => segments > 0 && tables.has(table?.name ?? ''));
}

/**
 * The script has put virtual tables into `sqlite_schema` by hand, so the connection that runs it does not know them
 * before it reads the schema again, which RESET makes it do (sqlite.org/pragma.html#pragma_writable_schema).
 */
function scriptFor(indexes: readonly Stored[], hasSamples: boolean): string {
  const names = indexes.map(({ table }) => quoteName(unquotedName(table.name)));
  const fts5 = indexes.filter(({ table }) => table.virtual?.module === 'fts5');
  return [
    ...fts5.map(({ table }) => emptyStructure(unquotedName(table.name))),
    ...(names.length > 0 ? ['PRAGMA writable_schema=RESET;'] : []),
    ...names.map((name) => `INSERT INTO ${name}(${name}) VALUES('rebuild');`),
    ...(hasSamples ? ['ANALYZE;'] : []),
    '',
  ].join('\n');
}

/**
 * Without averages and structure, FTS5 takes its index for damaged and, in SQLite 3.40, does not even build it again:
 * these are what a new one has (ext/fts5/fts5_index.c, sqlite3Fts5IndexReinit). Its version is not there where a restore
 * was told to leave its tables out.
 */
function emptyStructure(index: string): string {
  const [data, config] = [`${index}_data`, `${index}_config`].map(quoteName);
  const version = `INSERT OR IGNORE INTO ${config}(k,v) VALUES('version',4);`;
  return `INSERT OR IGNORE INTO ${data}(id,block) VALUES(1,X''),(10,X'00000000000000');\n${version}`;
}
