/** Which streams of a stored dump a restore loads. */
import type { DumpReader, SourceInfo, StoredStream } from '../source.ts';
import { foldName, undisplayName } from './names.ts';
import type { VirtualTable } from './schema.ts';

export interface Selection {
  readonly streams: readonly StoredStream[];
  /** Virtual tables whose content was not chosen: they come back empty. */
  readonly emptied: readonly VirtualTable[];
  /** Names that are no table of the dump. */
  readonly unknown: readonly string[];
}

/**
 * Chooses all definitions, the AUTOINCREMENT counters, and the rows of the named tables; a virtual table stands for its shadow
 * tables, which are loaded all or none.
 *
 * @param streams - those of the dump, in order
 * @param virtualTables - from the dump's facts
 * @param tables - names as people write them (any case, quoted or not); everything when undefined
 */
export function selectStreams(
  streams: readonly StoredStream[],
  virtualTables: readonly VirtualTable[],
  tables: readonly string[] | undefined,
): Selection {
  if (tables === undefined) return { streams, emptied: [], unknown: [] };
  const wanted = new Set(tables.flatMap((name) => [foldName(name), foldName(undisplayName(name))]));
  const virtualOf = new Map(
    virtualTables.flatMap((table) => table.shadows.map((name) => [foldName(name), table])),
  );
  const keep = new Set(
    virtualTables.filter((table) =>
      [table.name, ...table.shadows].some((name) => wanted.has(foldName(name))),
    ),
  );
  const isWanted = (stream: StoredStream): boolean => {
    if (stream.table === undefined) return true;
    const name = foldName(undisplayName(stream.table.name));
    const owner = virtualOf.get(name);
    return name === 'sqlite_sequence' || (owner ? keep.has(owner) : wanted.has(name));
  };
  const known = new Set([
    ...streams.flatMap(({ table }) => (table ? [foldName(undisplayName(table.name))] : [])),
    ...virtualTables.map(({ name }) => foldName(name)),
  ]);
  return {
    streams: streams.filter(isWanted),
    emptied: virtualTables.filter((table) => table.shadows.length > 0 && !keep.has(table)),
    unknown: tables.filter((name) => !known.has(foldName(name)) && !known.has(foldName(undisplayName(name)))),
  };
}

/**
 * The tables that hold the rows of these ones, each once; a name that nothing has stays as it is.
 *
 * @param names - as people write them
 */
export function tablesOf(dump: DumpReader, names: readonly string[]): readonly string[] {
  const selection = selectStreams(dump.streams, virtualTablesOf(dump.source), names);
  // The counters always go along, as definitions do.
  const asked = new Set(names.map((name) => foldName(undisplayName(name))));
  const tables = selection.streams.flatMap(({ table }) => {
    if (table === undefined) return [];
    const name = foldName(undisplayName(table.name));
    return name === 'sqlite_sequence' && !asked.has(name) ? [] : [table.name];
  });
  return [...new Set([...tables, ...selection.unknown])];
}

/** The virtual tables that the source described; anything that does not look like it is left out. */
export function virtualTablesOf(source: SourceInfo): VirtualTable[] {
  const listed = source.facts['virtualTables'];
  return Array.isArray(listed) ? listed.filter(isVirtualTable) : [];
}

function isVirtualTable(value: unknown): value is VirtualTable {
  if (typeof value !== 'object' || value === null) return false;
  const { name, module, shadows } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof module === 'string' && Array.isArray(shadows);
}
