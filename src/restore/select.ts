/** Naming snapshots and tables: what people type, and what it means. Pure. */
import type { CatalogEntry } from '../repository/catalog.ts';
import { noSnapshot, snapshotExpired } from '../repository/errors.ts';
import { nearNames } from '../nearest.ts';
import { SNAPSHOT_ID } from '../repository/layout.ts';
import type { StoredStream } from '../sources/source.ts';
import { badWhen, unknownTable } from './errors.ts';

/** What `SET[@WHEN]` says. */
export interface SnapshotName {
  readonly set: string;
  readonly when: string;
}

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The snapshot that is meant.
 * @param entries - oldest first
 * @param when - `latest`, `oldest`, a snapshot id (or a prefix that only one has), a date (UTC; the last snapshot of
 *   that day) or an RFC 3339 time (the last one at or before it)
 * @throws HoldfastError NO_SNAPSHOT, SNAPSHOT_EXPIRED, WHEN_INVALID
 */
export function selectSnapshot(
  entries: readonly CatalogEntry[],
  { set, when }: SnapshotName,
  now: Date,
): CatalogEntry {
  const found = candidates(entries, when, now).at(-1);
  if (!found) throw noSnapshot(set, when);
  const end = new Date(found.entry.end);
  if (end <= now) throw snapshotExpired(found.entry.snapshot, end);
  return found;
}

/** The matching snapshots; the last one is the one that is meant. */
function candidates(entries: readonly CatalogEntry[], when: string, now: Date): readonly CatalogEntry[] {
  const live = entries.filter(({ entry }) => new Date(entry.end) > now);
  if (when === 'latest') return live;
  if (when === 'oldest') return live.slice(0, 1);
  if (SNAPSHOT_ID.test(when)) return entries.filter(({ entry }) => entry.snapshot === when);
  if (DATE.test(when)) return live.filter(({ entry }) => entry.time.startsWith(when));
  if (TIME.test(when)) {
    const moment = new Date(when).getTime();
    return live.filter(({ entry }) => new Date(entry.time).getTime() <= moment);
  }
  const matching = /^\d{8}T?/.test(when)
    ? entries.filter(({ entry }) => entry.snapshot.startsWith(when))
    : [];
  if (matching.length === 1) return matching;
  throw badWhen(when);
}

/** The tables of a dump that these names mean: as the engine writes them, or without quotes, or without `public.`. */
export function selectTables(streams: readonly StoredStream[], names: readonly string[]): StoredStream[] {
  const tables = streams.filter((stream) => stream.table !== undefined);
  return names.flatMap((name) => {
    const matching = tables.filter((stream) => spellings(stream.table?.name ?? '').includes(name));
    if (matching.length === 0) throw unknownTable(name, nearNames(name, tables.map(tableNames)), tables);
    return matching;
  });
}

function tableNames({ table }: StoredStream): { name: string; spellings: string[] } {
  const name = table?.name ?? '';
  return { name, spellings: [...spellings(name), ...spellings(name.replace(/^.*\./, ''))] };
}

function spellings(table: string): string[] {
  const plain = table.replace(/"((?:[^"]|"")*)"/g, (_, inner: string) => inner.replaceAll('""', '"'));
  const name = table.startsWith('`') ? table.slice(1, -1).replaceAll('``', '`') : table;
  return [table, plain, plain.replace(/^public\./, ''), name];
}
