/** Finding those who were erased in one snapshot, and giving its streams without them. */
import { randomBytes } from 'node:crypto';
import { isHoldfastError, reasonOf } from '../errors.ts';
import type { ExitReason } from '../errors.ts';
import { locate } from '../purge/locate.ts';
import type { LocatedSnapshot } from '../purge/located.ts';
import type { Manifest, ManifestStream } from '../repository/manifest.ts';
import { codecFor, codecOptions } from '../rows/codec.ts';
import type { RowCodec } from '../rows/codec.ts';
import { describeProblem } from '../subjects/integrity.ts';
import { parseSubjectMap } from '../subjects/parse.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import type { Ledger } from '../repository/ledger.ts';
import type { Session } from '../repository/session.ts';
import type { SnapshotReader } from '../restore/reader.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { DumpReader } from '../sources/source.ts';
import { cannotLeaveOut } from './errors.ts';
import { filteredReader } from './filter.ts';
import type { Suppression } from './objects.ts';
import { knows, purgeIntents } from './pending.ts';
import { subjectsIn } from './people.ts';

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

/** @throws HoldfastError SUPPRESSION_IMPOSSIBLE, and what reading throws */
export async function leaveOut(
  suppressions: readonly Suppression[],
  options: WithoutOptions,
  signal: AbortSignal,
): Promise<Pick<Without, 'reader' | 'rows'>> {
  const located = await locateAll(suppressions, options, signal);
  const codecOf = (stream: ManifestStream) => codecOfStream(stream, located, options);
  const reader = await filteredReader({ source: options.source, located, codecOf }, signal);
  return { reader, rows: countRows(located) };
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
