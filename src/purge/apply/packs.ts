/** What becomes of packs that hold erased segments: nobody can open those any more, yet their bytes may stay a while. */
import type { CatalogEntry } from '../../repository/catalog.ts';
import { daysOfPack, packKey } from '../../repository/layout.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { MovedPack } from '../../repository/moves.ts';
import type { RetiredPlace } from '../../repository/purges.ts';
import { own } from '../../repository/records.ts';
import { latestEnd } from '../../repository/rules.ts';
import type { Store, StuckVersion } from '../../stores/store.ts';
import { isHoldfastError } from '../../errors.ts';

export interface PackOutcome {
  /** Packs that held erased segments. */
  readonly packs: number;
  readonly removed: number;
  /** Until then the last of them is there at the latest, as bytes that nobody can open; undefined: none is. */
  readonly until: string | undefined;
  /** Some are locked until then; undefined: none is. */
  readonly lockedUntil: string | undefined;
  /** Packs that a snapshot needs still. */
  readonly needed?: number;
  /** Hosts that may have a run under way which refers to one of the packs, though nothing else needs it. */
  readonly waitingFor?: readonly string[];
}

export interface PackFacts {
  readonly set: string;
  readonly retired: readonly RetiredPlace[];
  /** Of the whole ledger. */
  readonly moved: readonly MovedPack[];
  readonly entries: readonly CatalogEntry[];
  /** Snapshots whose manifests are gone: they need nothing. */
  readonly gone: ReadonlySet<string>;
  /** No backup is under way anywhere. */
  readonly idle: boolean;
}

/** Packs with erased segments: what can go, what something needs, and which hosts are in the way of the others. */
export interface PackVerdicts {
  /** By key. */
  readonly all: ReadonlyMap<string, string>;
  readonly free: readonly string[];
  readonly needed: number;
  /** By key: the host that has to be heard of first. */
  readonly waiting: ReadonlyMap<string, string>;
}

/** The newest chain of each writer: it has left all others. */
export function currentChains(entries: readonly Pick<CatalogEntry, 'entry'>[]): Map<string, number> {
  const newest = new Map<string, number>();
  for (const { entry } of entries)
    newest.set(entry.writer, Math.max(entry.chain, newest.get(entry.writer) ?? 0));
  return newest;
}

/**
 * Which of them can go: no snapshot needs it, and no host can refer to it. That is so in a chain that its writer has
 * left; where the living segments were moved, as soon as a snapshot of the writer shows that it knows of that, since
 * a host makes one after another; and when nobody backs up. Pure.
 */
export function judgePacks({ set, retired, moved, entries, gone, idle }: PackFacts): PackVerdicts {
  const needed = new Set(
    entries
      .filter(({ entry }) => !gone.has(entry.snapshot))
      .flatMap(({ entry, current }) => (current?.packs ?? entry.packs).map(([ref]) => packKey(entry, ref))),
  );
  const newest = currentChains(entries);
  const lines = Map.groupBy(moved, (one) => packKey({ set, ...one }, one.pack));
  const knows = (writer: string, key: string): boolean =>
    (lines.get(key) ?? []).some(({ line }) =>
      entries.some(
        ({ entry }) => entry.writer === writer && (own(entry.ledger_seen, line.writer)?.seq ?? 0) >= line.seq,
      ),
    );
  const all = packsOf(set, retired);
  const waiting = new Map<string, string>();
  const free = [...all].flatMap(
    ([
      key,
      {
        place: { writer, chain },
      },
    ]) => {
      if (needed.has(key)) return [];
      if (chain < (newest.get(writer) ?? 0)) return [key];
      if (lines.has(key) && (idle || knows(writer, key))) return [key];
      if (lines.has(key)) waiting.set(key, writer);
      return [];
    },
  );
  return {
    all: new Map([...all].map(([key, { ref }]) => [key, ref])),
    free,
    needed: [...all.keys()].filter((key) => needed.has(key)).length,
    waiting,
  };
}

/** The packs of these places, by key. */
function packsOf(
  set: string,
  retired: readonly RetiredPlace[],
): Map<string, { place: ChainPlace; ref: string }> {
  return new Map(
    retired.map(([writer, chain, ref]) => {
      const place = { set, writer, chain };
      return [packKey(place, ref), { place, ref }] as const;
    }),
  );
}

/** Removes what can go, and says of the others how long they stay. */
export async function settlePacks(
  store: Store,
  { all, free, needed, waiting }: PackVerdicts,
  options: { readonly bypassGovernance: boolean; readonly check: () => Promise<void> },
  signal: AbortSignal,
): Promise<PackOutcome> {
  const ends: Date[] = [];
  const there = new Set<string>();
  for (const [key, ref] of all) {
    const end = await endOfPack(store, key, ref, signal);
    if (end) there.add(key);
    if (end && !free.includes(key)) ends.push(end);
  }
  let stuck: readonly StuckVersion[] = [];
  if (free.length > 0) {
    await options.check();
    const { bypassGovernance } = options;
    // In all versions, also where none of them shows any more.
    stuck = await store.remove(free, { allVersions: true, bypassGovernance }, signal);
  }
  const locked = new Set(stuck.map(({ key }) => key));
  for (const { key } of stuck) ends.push(...(await endsOf(store, key, all.get(key), signal)));
  const locks = stuck.flatMap(({ lockedUntil }) => lockedUntil ?? []);
  return {
    packs: all.size,
    removed: free.filter((key) => !locked.has(key)).length,
    until: latestOf([...ends, ...locks]),
    lockedUntil: latestOf(locks),
    needed,
    // A pack whose time has come is gone, whoever has not been heard of since.
    waitingFor: [
      ...new Set([...waiting].filter(([key]) => there.has(key)).map(([, writer]) => writer)),
    ].sort(),
  };
}

async function endsOf(
  store: Store,
  key: string,
  ref: string | undefined,
  signal: AbortSignal,
): Promise<Date[]> {
  const end = ref === undefined ? undefined : await endOfPack(store, key, ref, signal);
  return end ? [end] : [];
}

async function endOfPack(
  store: Store,
  key: string,
  ref: string,
  signal: AbortSignal,
): Promise<Date | undefined> {
  try {
    const found = await store.head(key, signal);
    return found && latestEnd(found.modified, daysOfPack(ref));
  } catch (error) {
    if (isHoldfastError(error, 'STORE_OBJECT_MISSING')) return undefined;
    throw error;
  }
}

function latestOf(dates: readonly Date[]): string | undefined {
  if (dates.length === 0) return undefined;
  return new Date(Math.max(...dates.map((date) => date.getTime()))).toISOString();
}
