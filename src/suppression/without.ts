/**
 * What a snapshot gives once everybody is left out whom the ledger has erased, also where a purge has not reached it:
 * this stands between every snapshot and whoever restores it. What cannot be told stops it.
 */
import { randomBytes } from 'node:crypto';
import { isHoldfastError, reasonOf } from '../errors.ts';
import type { ExitReason } from '../errors.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import { locate } from '../purge/locate.ts';
import type { LocatedSnapshot } from '../purge/located.ts';
import { currentOf } from '../repository/catalog.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import type { Ledger } from '../repository/ledger.ts';
import type { Manifest, ManifestStream } from '../repository/manifest.ts';
import type { Session } from '../repository/session.ts';
import type { SnapshotReader } from '../restore/reader.ts';
import { codecFor, codecOptions } from '../rows/codec.ts';
import type { RowCodec } from '../rows/codec.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { DumpReader } from '../sources/source.ts';
import { describeProblem } from '../subjects/integrity.ts';
import { parseSubjectMap } from '../subjects/parse.ts';
import {
  cannotLeaveOut,
  overrideUnknown,
  suppressionMissing,
  suppressionUnknown,
  wholeSetErased,
} from './errors.ts';
import { filteredReader } from './filter.ts';
import { listSuppression } from './objects.ts';
import type { FoundSuppression, Suppression } from './objects.ts';
import { knows, pendingPurges, purgeIntents } from './pending.ts';
import type { PurgeIntent } from './pending.ts';
import { subjectsIn } from './people.ts';
import { readSuppressions } from './read.ts';
import type { Wanted } from './pick.ts';

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
}

export interface Without {
  readonly reader: DumpReader;
  /** Purges whose subjects were looked for. */
  readonly purges: readonly string[];
  /** Rows that are left out, and rows that are given with other values. */
  readonly rows: { readonly deleted: number; readonly changed: number };
}

/**
 * The reader of a snapshot without those who were erased.
 *
 * @throws HoldfastError SUPPRESSION_MISSING, SUPPRESSION_UNREADABLE, SUPPRESSION_UNKNOWN, SUPPRESSION_IMPOSSIBLE,
 *   SET_ERASED, SUPPRESSION_OVERRIDE, and what reading throws
 */
export async function withoutPurged(options: WithoutOptions, signal: AbortSignal): Promise<Without> {
  const { session, set, source, opener, now } = options;
  const listed = await listSuppression(session.store, set, signal);
  const wanted = wantedOf(options, listed);
  const suppressions = await readSuppressions(session, set, wanted, { opener, now, listed }, signal);
  const purges = suppressions.map(({ purge }) => purge);
  if (suppressions.length === 0) return { reader: source, purges, rows: { deleted: 0, changed: 0 } };
  const located = await locateAll(suppressions, options, signal);
  const codecOf = (stream: ManifestStream) => codecOfStream(stream, located, options);
  const reader = await filteredReader({ source, located, codecOf }, signal);
  return { reader, purges, rows: countRows(located) };
}

/** The purges of which this snapshot is not free, but for those that are allowed back. */
function wantedOf(
  { session, set, item, ledger, allowed, ledgerIsLost }: WithoutOptions,
  listed: readonly FoundSuppression[],
): Wanted[] {
  const { operators } = session;
  const known = new Set(purgeIntents(ledger, operators).map(({ id }) => id));
  const strange = [...new Set(listed.map(({ purge }) => purge))].filter((purge) => !known.has(purge));
  if (strange[0] !== undefined && !ledgerIsLost) throw suppressionUnknown(set, strange[0]);
  const pending = pendingPurges(ledger, operators, {
    snapshot: item.entry.snapshot,
    revision: currentOf(item).revision,
    ledgerSeen: item.entry.ledger_seen,
  });
  const whole = pending.find(({ isWhole }) => isWhole);
  if (whole) throw wholeSetErased(set, whole.id);
  const all: (PurgeIntent | Wanted)[] = [
    ...pending,
    ...strange.map((id) => ({ id, suppression: undefined })),
  ];
  const ids = all.map(({ id }) => id);
  const unknown = allowed.find((purge) => !ids.includes(purge));
  if (unknown !== undefined) throw overrideUnknown(unknown, ids);
  // A purge of the ledger without suppression has none that could be taken for it.
  const missing = pending.find(({ id, suppression }) => !suppression && !allowed.includes(id));
  if (missing) throw suppressionMissing(set, missing.id);
  return all.filter(({ id }) => !allowed.includes(id));
}

/** Once for each map: those who were erased by the same are looked for together. */
async function locateAll(
  suppressions: readonly Suppression[],
  options: WithoutOptions,
  signal: AbortSignal,
): Promise<LocatedSnapshot[]> {
  const { item } = options;
  const located: LocatedSnapshot[] = [];
  for (const [text, some] of Map.groupBy(suppressions, ({ map }) => map)) {
    const purges = some.map(({ purge }) => purge);
    const fail = (reason: string, cause?: unknown) =>
      cannotLeaveOut(item.entry.snapshot, purges, reason, cause);
    const found = await locateOne(text, some, options, fail, signal);
    const [problem] = found.closure.problems;
    if (problem) throw fail(describeProblem(problem));
    located.push(found);
  }
  return located;
}

/** What keeps them from being found keeps the snapshot from being read; but not what somebody else has damaged. */
async function locateOne(
  text: string,
  suppressions: readonly Suppression[],
  { session, item, manifest, pool, ledger }: WithoutOptions,
  fail: (reason: string, cause?: unknown) => Error,
  signal: AbortSignal,
): Promise<LocatedSnapshot> {
  try {
    const { map } = parseSubjectMap(text, 'the map of the purge');
    const subjects = suppressions.flatMap((one) => {
      const intent = purgeIntents(ledger, session.operators).find(({ id }) => id === one.purge);
      return subjectsIn(one.subjects, map, intent !== undefined && knows(item.entry.ledger_seen, intent));
    });
    const located = await locate({
      store: session.store,
      pool,
      snapshots: [{ item, manifest }],
      map,
      subjects,
      pseudonyms: randomBytes(32),
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
