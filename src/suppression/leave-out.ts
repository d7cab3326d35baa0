/** Finding those who were erased in one snapshot, and giving its streams without them. */
import { randomBytes } from 'node:crypto';
import { isHoldfastError, reasonOf } from '../errors.ts';
import type { ExitReason } from '../errors.ts';
import { locate } from '../purge/locate/locate.ts';
import type { LocatedSnapshot } from '../purge/locate/located.ts';
import type { Manifest, ManifestStream } from '../repository/manifest.ts';
import { codecFor, codecOptions } from '../rows/codec.ts';
import type { RowCodec } from '../rows/codec.ts';
import { describeProblem } from '../subjects/integrity.ts';
import type { SubjectMap } from '../subjects/map.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import type { Ledger } from '../repository/ledger.ts';
import { knowsOf, purgesOf } from '../repository/purges.ts';
import type { Session } from '../repository/session.ts';
import type { SnapshotReader } from '../restore/reader.ts';
import { readSidecar } from '../restore/sidecar.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { DumpReader } from '../sources/source.ts';
import { cannotLeaveOut, mapsDoNotCover } from './errors.ts';
import { filteredFiles } from './filter-files.ts';
import { filteredReader } from './filter.ts';
import type { Suppression } from './objects.ts';
import { subjectsIn } from './people.ts';
import { mapsFor } from './maps.ts';
import type { Person } from './maps.ts';

export interface WithoutOptions {
  readonly session: Pick<Session, 'store' | 'id' | 'operators'>;
  readonly set: string;
  readonly item: CatalogEntry;
  readonly manifest: Manifest;
  readonly source: SnapshotReader;
  readonly pool: Pick<SegmentPool, 'open'>;
  readonly ledger: Ledger;
  readonly opener: MessageOpener;
  /** The store's clock. */
  readonly now: Date;
  /** Purges whose people a person wants all the same, by id. */
  readonly allowed: readonly string[];
  /** A person goes on although the ledger is lost: whoever has suppression in the store is left out. */
  readonly ledgerIsLost: boolean;
  /** The set's subject map of today, asked for where neither the purge's nor the snapshot's own says enough. */
  readonly mapOfToday?: () => Promise<SubjectMap | undefined>;
}

export interface Without {
  readonly reader: DumpReader;
  /** Purges whose subjects were looked for. */
  readonly purges: readonly string[];
  /** Rows that are left out, and rows that are given with other values. */
  readonly rows: { readonly deleted: number; readonly changed: number };
}

/** @throws HoldfastError SUPPRESSION_IMPOSSIBLE, and what reading throws */
export async function leaveOut(
  suppressions: readonly Suppression[],
  options: WithoutOptions,
  signal: AbortSignal,
): Promise<Pick<Without, 'reader' | 'rows'>> {
  const located = await locateAll(suppressions, options, signal);
  const rows = countRows(located);
  if (options.manifest.source.kind === 'files') {
    const gone = new Set(located.flatMap(({ archive }) => [...(archive?.gone ?? [])]));
    return {
      reader: gone.size === 0 ? options.source : await filteredFiles(options.source, gone, signal),
      rows,
    };
  }
  const codecOf = (stream: ManifestStream) => codecOfStream(stream, located, options);
  const reader = await filteredReader({ source: options.source, located, codecOf }, signal);
  return { reader, rows };
}

/**
 * Once for each map: those who were erased by the same are looked for together.
 * @throws HoldfastError SUPPRESSION_IMPOSSIBLE, and what reading throws
 */
export async function locateAll(
  suppressions: readonly Suppression[],
  options: WithoutOptions,
  signal: AbortSignal,
): Promise<LocatedSnapshot[]> {
  const { item } = options;
  const located: LocatedSnapshot[] = [];
  for (const { map, people } of await peopleByMap(suppressions, options, signal)) {
    const fail = failing(item.entry.snapshot, people);
    const found = await locateOne(map, people, options, fail, signal);
    const [problem] = found.closure.problems;
    if (problem) throw fail(describeProblem(problem));
    located.push(found);
  }
  return located;
}

type Fail = (reason: string, cause?: unknown) => Error;

function failing(snapshot: string, people: readonly Pick<Suppression, 'purge'>[]): Fail {
  return (reason, cause) => cannotLeaveOut(snapshot, idsOf(people), reason, cause);
}

function idsOf(people: readonly Pick<Suppression, 'purge'>[]): readonly string[] {
  return people.map(({ purge }) => purge);
}

/** Whom to look for by which map: see `mapsFor`. */
async function peopleByMap(
  suppressions: readonly Suppression[],
  options: WithoutOptions,
  signal: AbortSignal,
) {
  const { session, item, manifest, source, ledger, mapOfToday } = options;
  const purges = purgesOf(ledger, session.operators);
  const people = suppressions.map((one) => {
    const purge = purges.find(({ id }) => id === one.purge);
    return { ...one, hostKnew: purge !== undefined && knowsOf(item.entry.ledger_seen, purge) };
  });
  const sidecar = await readSidecar(source, manifest, signal);
  const { snapshot } = item.entry;
  const uncovered = (some: readonly Person[], tables: readonly string[]) =>
    mapsDoNotCover(snapshot, idsOf(some), tables);
  return mapsFor(people, { sidecar, mapOfToday }, uncovered).catch((error: unknown) => {
    throw isHoldfastError(error, 'SUBJECTS_INVALID')
      ? failing(snapshot, suppressions)(reasonOf(error), error)
      : error;
  });
}

/** What keeps them from being found keeps the snapshot from being read; but not what somebody else has damaged. */
async function locateOne(
  map: SubjectMap,
  people: readonly Person[],
  { session, item, manifest, pool }: WithoutOptions,
  fail: Fail,
  signal: AbortSignal,
): Promise<LocatedSnapshot> {
  try {
    const located = await locate({
      store: session.store,
      pool,
      snapshots: [{ item, manifest }],
      map,
      subjects: people.flatMap(({ subjects, hostKnew }) => subjectsIn(subjects, map, hostKnew)),
      pseudonyms: randomBytes(32),
      // Who knew of the purge has erased them in the database, indexes included.
      rebuildsAlways: people.some(({ hostKnew }) => !hostKnew),
      signal,
    });
    const [found] = located.snapshots;
    if (!found) throw new Error('nothing was searched');
    return found;
  } catch (error) {
    if (!isHoldfastError(error) || !FAILS_TO_FIND.has(error.exit)) throw error;
    throw fail(reasonOf(error), error);
  }
}

const FAILS_TO_FIND: ReadonlySet<ExitReason> = new Set(['usage', 'policy', 'unverifiable', 'incomplete']);

function codecOfStream(
  { table, dialect, name }: ManifestStream,
  located: readonly LocatedSnapshot[],
  { manifest }: WithoutOptions,
): RowCodec {
  const schema = located[0]?.schema.tables.find((one) => one.name === table?.name);
  if (table === undefined || schema === undefined) throw new Error(`${name} has no rows`);
  return codecFor(dialect, table, schema, codecOptions(manifest.source));
}

function countRows(located: readonly LocatedSnapshot[]): Without['rows'] {
  const counts = located.flatMap(({ closure }) => [...closure.counts.values()]);
  return {
    deleted: counts.reduce((sum, count) => sum + count.delete, 0),
    changed: counts.reduce((sum, count) => sum + count.change, 0),
  };
}
