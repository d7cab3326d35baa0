/** SQLite as a restore target: a new file, loaded beside its path and put there when it is whole. */
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { throwIfCancelled } from '../../errors.ts';
import type {
  BrokenReference,
  DumpReader,
  Loader,
  LoadOptions,
  LoadReport,
  Preflight,
  StoredStream,
} from '../source.ts';
import { loadFailed, restoreImpossible, restoredCorrupt, targetOccupied } from './errors.ts';
import { displayName, foldName, quoteName, quoteText, undisplayName } from './names.ts';
import { SCRIPT_OPTIONS } from './rehearse.ts';
import { runStream } from './run-script.ts';
import type { VirtualTable } from './schema.ts';
import { selectStreams, virtualTablesOf, type Selection } from './selection.ts';
import { draftFile, inspectTarget } from './target.ts';

export interface SqliteLoaderOptions {
  /** Where the database will be: nothing, an empty file, or a database without any object. */
  readonly path: string;
}

/** A loader for dumps of `sqliteSource`. One connection does everything: `jobs`, `globals` and `noOwner` mean nothing here. */
export function sqliteLoader(options: SqliteLoaderOptions): Loader {
  const path = resolve(options.path);
  return {
    preflight: (dump, loadOptions) => preflight(path, dump, loadOptions),
    load: (dump, loadOptions, signal) => load(path, dump, loadOptions, signal),
  };
}

async function preflight(path: string, dump: DumpReader, options: LoadOptions): Promise<Preflight> {
  const state = await inspectTarget(path);
  const selection = select(dump, options);
  const problems = [
    ...(state.problem === undefined ? [] : [state.problem]),
    ...selection.unknown.map((name) => `There is no table ${name} in this snapshot: correct --table.`),
    ...lackingModules(dump),
  ];
  return {
    target: `file ${path}`,
    exists: state.exists,
    occupied: state.occupied !== undefined,
    problems,
    warnings: state.occupied === undefined ? [] : [`${path} ${state.occupied}`],
  };
}

function select(dump: DumpReader, options: LoadOptions): Selection {
  return selectStreams(dump.streams, virtualTablesOf(dump.source), options.tables);
}

function lackingModules(dump: DumpReader): string[] {
  const db = new DatabaseSync(':memory:');
  const known = new Set(
    db
      .prepare('PRAGMA module_list')
      .all()
      .map((row) => foldName(String(row['name']))),
  );
  db.close();
  return virtualTablesOf(dump.source)
    .filter(({ module }) => !known.has(foldName(module)))
    .map(
      ({ name, module }) =>
        `Virtual table ${displayName(name)} needs the SQLite module ${module}: use a Node that has it.`,
    );
}

async function load(
  path: string,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  const before = await inspectTarget(path);
  if (before.occupied !== undefined) throw targetOccupied(path, before.occupied);
  const { problems } = await preflight(path, dump, options);
  if (problems[0] !== undefined) throw restoreImpossible(problems[0]);

  throwIfCancelled(signal);
  const draft = await draftFile(path);
  try {
    const report = await fill(draft.file, dump, options, signal);
    throwIfCancelled(signal);
    await draft.place();
    return { target: path, ...report };
  } finally {
    await draft.discard();
  }
}

async function fill(
  file: string,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Omit<LoadReport, 'target'>> {
  const selection = select(dump, options);
  const db = new DatabaseSync(file, SCRIPT_OPTIONS);
  try {
    // The file counts only once it is whole and synced, so nothing has to be safe before.
    db.exec('PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32768');
    for (const stream of selection.streams) {
      await runStream(db, dump, stream, (bytes) => options.onProgress(bytes, stream.name), signal);
    }
    if (db.isTransaction) throw loadFailed('post-data', new Error('the dump ends without a COMMIT'));
    for (const table of selection.emptied) makeEmpty(db, table);
  } finally {
    db.close();
  }
  return examine(file, dump, selection);
}

/**
 * Makes a virtual table whose content was not loaded anew: with empty shadow tables alone it would be damaged.
 * It is taken out of `sqlite_schema` by hand, and the schema read again: then its shadow tables are ordinary ones.
 */
function makeEmpty(db: DatabaseSync, { name, shadows }: VirtualTable): void {
  const isTable = `type = 'table' AND name = ${quoteText(name)}`;
  const sql = String(db.prepare(`SELECT sql FROM sqlite_schema WHERE ${isTable}`).get()?.['sql']);
  db.exec(
    `PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE ${isTable}; PRAGMA writable_schema=RESET`,
  );
  for (const shadow of shadows) db.exec(`DROP TABLE ${quoteName(shadow)}`);
  db.exec(sql);
}

/** Looks at the result through a fresh connection, which knows its virtual tables. */
function examine(file: string, dump: DumpReader, selection: Selection): Omit<LoadReport, 'target'> {
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
  try {
    checkWhole(db);
    const rows = countRows(db, selection.streams);
    const remade = remadeTables(dump, selection.streams);
    const leftOut = selection.emptied.map(emptiedNote);
    const broken = brokenReferences(db);
    // WAL mode is a property of the file; set last, so that nothing before wrote a WAL.
    if (dump.source.facts['journalMode'] === 'wal') db.exec('PRAGMA journal_mode=WAL');
    return { rows, leftOut, brokenReferences: broken, ...(remade.length > 0 && { remade }) };
  } finally {
    db.close();
  }
}

function emptiedNote({ name }: VirtualTable): string {
  return `the content of virtual table ${displayName(name)}, which was not chosen`;
}

function countRows(db: DatabaseSync, streams: readonly StoredStream[]): Record<string, number> {
  const tables = streams.flatMap(({ table }) => (table ? [table.name] : []));
  const count = (name: string): number =>
    Number(db.prepare(`SELECT count(*) AS n FROM ${quoteName(undisplayName(name))}`).get()?.['n']);
  return Object.fromEntries(tables.map((name) => [name, count(name)]));
}

/** A purge empties what a full-text index has stored, and samples of values: the script makes them again at its end. */
function remadeTables(dump: DumpReader, streams: readonly StoredStream[]): string[] {
  const shadows = new Set(virtualTablesOf(dump.source).flatMap((table) => table.shadows.map(foldName)));
  return streams.flatMap(({ table, rows }) => {
    if (table === undefined || rows > 0) return [];
    const name = foldName(undisplayName(table.name));
    return shadows.has(name) || /^sqlite_stat[1-4]$/.test(name) ? [table.name] : [];
  });
}

/** SQLite enforces references only when an application asks for it, and never while a dump is loaded. */
function brokenReferences(db: DatabaseSync): BrokenReference[] {
  const rows = db
    .prepare(
      'SELECT "table" AS child, parent, count(*) AS n FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2',
    )
    .all() as unknown as { child: string; parent: string; n: number }[];
  return rows.map(({ child, parent, n }) => ({
    table: displayName(child),
    references: displayName(parent),
    rows: n,
  }));
}

function checkWhole(db: DatabaseSync): void {
  db.exec('PRAGMA ignore_check_constraints=ON');
  const [first] = db.prepare('PRAGMA integrity_check(1)').all();
  const report = String(Object.values(first ?? {})[0]);
  if (report !== 'ok') throw restoredCorrupt(report.replaceAll('\n', '; '));
}
