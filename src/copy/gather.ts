/** Reads both sides of a copy: the source's ledger and catalogue, and listings of what lies here and there. */
import pLimit from 'p-limit';
import { isHoldfastError, reasonOf } from '../errors.ts';
import { readCatalog } from '../repository/catalog.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import {
  RECOVERY_FILES,
  STORE_HEADER,
  WRITER_KEYS,
  daysOfPrefix,
  entryKey,
  keepPrefix,
  ledgerFolder,
  ledgerKey,
  manifestRevision,
  packKey,
  parseSnapshotKey,
} from '../repository/layout.ts';
import { readLedger } from '../repository/ledger.ts';
import type { Ledger, LedgerLine } from '../repository/ledger.ts';
import { namedRevisions } from '../repository/ledger-events.ts';
import type { NamedRevision } from '../repository/ledger-events.ts';
import type { Session } from '../repository/session.ts';
import type { ReadStore, Store } from '../stores/store.ts';
import type { StoreClock } from './clock.ts';
import { parseKept } from './facts.ts';
import type { CopyFacts, Listed, SourceSnapshot } from './facts.ts';
import type { Remark } from './steps.ts';

const LISTINGS_AT_ONCE = 8;

/** What looking at a destination takes. */
export type ListedStore = ReadStore & Pick<Store, 'bucket'>;

export interface Gathered {
  readonly facts: CopyFacts;
  /** What the source has and cannot prove. */
  readonly problems: readonly Remark[];
}

/**
 * Looks at both sides. The catalogue is read before the source is listed: what it names is then in the listing, unless
 * it has ended meanwhile.
 */
export async function gather(
  source: Session,
  destination: ListedStore,
  set: string,
  clock: StoreClock,
  signal: AbortSignal,
): Promise<Gathered> {
  const ledger = await readLedger(source, set, signal);
  const catalog = await readCatalog(source, set, ledger, signal);
  const named = namedRevisions(ledger, source.operators);
  const here = await listSide(source.store, set, false, signal);
  const there = await listSide(destination, set, await mayHaveVersions(destination, signal), signal);
  return {
    facts: {
      set,
      now: clock.now(),
      source: here.latest,
      destination: there.latest,
      manifestVersions: there.manifests,
      snapshots: catalog.entries.flatMap((item) => snapshotFacts(item, named)),
      revisions: new Map([...named].map(([snapshot, { revision }]) => [snapshot, revision])),
      ledger: causalOrder(ledger).map((line) => ledgerKey(set, line.writer, line.seq)),
    },
    problems: [
      ...catalog.failures.map(({ key, error }) => ({ about: key, text: reasonOf(error) })),
      ...catalog.entries
        .filter(({ current }) => !current)
        .map(({ entry, trouble }) => ({ about: entry.snapshot, text: reasonOf(trouble) })),
    ],
  };
}

function snapshotFacts(
  { entry, sha256, folder, current }: CatalogEntry,
  named: ReadonlyMap<string, NamedRevision>,
): SourceSnapshot[] {
  if (!current) return [];
  const amendment = current.amendmentKey;
  return [
    {
      snapshot: entry.snapshot,
      end: new Date(entry.end),
      revision: current.revision,
      entry: { key: entryKey(folder), sha256: [sha256] },
      manifest: { key: current.manifestKey, sha256: [current.sha256], bytes: current.bytes },
      ...(amendment !== undefined && {
        amendment: { key: amendment, sha256: named.get(entry.snapshot)?.sha256 ?? [] },
      }),
      packs: current.packs.map(([ref, bytes]) => [packKey(entry, ref), bytes]),
    },
  ];
}

/** Each line behind those that it follows and cites: cut off anywhere, it is a whole ledger. */
export function causalOrder({ lines }: Pick<Ledger, 'lines'>): LedgerLine[] {
  const ordered: LedgerLine[] = [];
  const done = new Map<string, number>();
  let rest = lines.toSorted((a, b) => a.seq - b.seq);
  while (rest.length > 0) {
    const waiting: LedgerLine[] = [];
    for (const line of rest) {
      const ready =
        (done.get(line.writer) ?? 0) === line.seq - 1 &&
        Object.entries(line.heads).every(([writer, { seq }]) => (done.get(writer) ?? 0) >= seq);
      if (!ready) waiting.push(line);
      else {
        ordered.push(line);
        done.set(line.writer, line.seq);
      }
    }
    // Two lines cannot cite each other by hash; if somebody has found a way, the order between them is no matter.
    if (waiting.length === rest.length) return [...ordered, ...waiting];
    rest = waiting;
  }
  return ordered;
}

interface Side {
  /** What belongs to the store as a whole, and to the set. */
  readonly latest: Map<string, Listed>;
  /** Keys of manifests, also of those that only have old versions left. */
  readonly manifests: Set<string>;
}

async function listSide(
  store: ReadStore,
  set: string,
  versioned: boolean,
  signal: AbortSignal,
): Promise<Side> {
  const side: Side = { latest: new Map(), manifests: new Set() };
  const limit = pLimit(LISTINGS_AT_ONCE);
  const list = async (prefix: string) => {
    for await (const { key, bytes, modified } of store.list(prefix, signal))
      side.latest.set(key, { bytes, modified });
  };
  const prefixes = [STORE_HEADER, ...RECOVERY_FILES.slice(0, 2), WRITER_KEYS, ledgerFolder(set)];
  // Where only old versions are left, no folder shows: there all that has a life is listed, of all sets.
  const keeps = versioned ? [] : (await keepDays(store, signal)).map((days) => `${keepPrefix(days)}${set}/`);
  await Promise.all([...prefixes, ...keeps].map((prefix) => limit(() => list(prefix))));
  if (versioned) await listVersions(store, set, side, signal);
  else for (const key of side.latest.keys()) if (isManifest(set, key)) side.manifests.add(key);
  return side;
}

async function keepDays(store: ReadStore, signal: AbortSignal): Promise<number[]> {
  return (await store.folders('', signal)).flatMap((name) => daysOfPrefix(name) ?? []);
}

async function listVersions(store: ReadStore, set: string, side: Side, signal: AbortSignal): Promise<void> {
  for await (const { key, bytes, modified, isLatest, isMarker } of store.versions('keep-', signal)) {
    if (isMarker || parseKept(key, set) === undefined) continue;
    if (isLatest) side.latest.set(key, { bytes, modified });
    if (isManifest(set, key)) side.manifests.add(key);
  }
}

/** Not knowing counts as yes. */
async function mayHaveVersions({ bucket }: ListedStore, signal: AbortSignal): Promise<boolean> {
  if (!bucket) return false;
  try {
    return (await bucket.versioning(signal)) !== 'off';
  } catch (error) {
    if (isHoldfastError(error, 'STORE_DENIED')) return true;
    throw error;
  }
}

function isManifest(set: string, key: string): boolean {
  const place = parseSnapshotKey(set, key);
  return place !== undefined && manifestRevision(place.name) !== undefined;
}
