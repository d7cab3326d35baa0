/** Which objects of a set go when all of it is erased, and removing them. */
import { throwIfCancelled } from '../../errors.ts';
import { manifestRevision, parseSnapshotKey, startOfSnapshot } from '../../repository/layout.ts';
import type { ObjectVersion, ReadStore, Store, StuckVersion } from '../../stores/store.ts';
import type { SweepOptions } from './manifests.ts';
import type { PlaceReport } from './run.ts';

const ROUNDS_MAX = 4;

export interface WholeRules {
  readonly set: string;
  /** Snapshots that go. */
  readonly erased: ReadonlySet<string>;
  /** When the purge was announced, by the store's clock. */
  readonly since: Date;
  /** Chains that stay: `WRITER-NUMBER`. */
  readonly chains: ReadonlySet<string>;
}

/** In this order; what stands first makes the rest unreadable. Undefined: it stays. */
export type Turn = 'manifest' | 'record' | 'chain';
const TURNS: readonly Turn[] = ['manifest', 'record', 'chain'];

/** What happens to an object. Pure. */
export function turnOf(key: string, { set, erased, since, chains }: WholeRules): Turn | undefined {
  const [, owner, area, name = ''] = key.split('/');
  if (owner !== set) return undefined;
  const place = parseSnapshotKey(set, key);
  if (place) {
    // Ids have whole seconds.
    const isOld = startOfSnapshot(place.snapshot).getTime() + 1000 <= since.getTime();
    if (!erased.has(place.snapshot) && !isOld) return undefined;
    return manifestRevision(place.name) === undefined ? 'record' : 'manifest';
  }
  return area === 'chains' && !chains.has(name) ? 'chain' : undefined;
}

/** When the store took the first object of each chain of a set. */
export async function chainsOf(
  store: ReadStore,
  set: string,
  signal: AbortSignal,
): Promise<Map<string, Date>> {
  const first = new Map<string, Date>();
  for await (const { key, modified } of store.list('keep-', signal)) {
    const [, owner, area, name = ''] = key.split('/');
    if (owner !== set || area !== 'chains') continue;
    const known = first.get(name);
    if (!known || modified < known) first.set(name, modified);
  }
  return first;
}

/** Removes all of it in all versions, manifests first, until a listing shows none. */
export async function eraseSet(
  store: Store,
  rules: WholeRules,
  { bypassGovernance, check }: SweepOptions,
  signal: AbortSignal,
): Promise<Pick<PlaceReport, 'swept' | 'packs'>> {
  const stuck: StuckVersion[] = [];
  const removed = { manifest: new Set<string>(), record: new Set<string>(), chain: new Set<string>() };
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const found = await Array.fromAsync(store.versions('keep-', signal));
    const locked = new Set(stuck.map(({ key }) => key));
    let count = 0;
    for (const turn of TURNS) {
      const keys = keysOf(found, turn, rules).filter((key) => !locked.has(key));
      if (keys.length === 0) continue;
      count += keys.length;
      await check();
      throwIfCancelled(signal);
      stuck.push(...(await store.remove(keys, { allVersions: true, bypassGovernance }, signal)));
      for (const key of keys) removed[turn].add(key);
    }
    if (count === 0) break;
  }
  const isPack = ({ key }: StuckVersion) => turnOf(key, rules) === 'chain';
  for (const { key } of stuck) for (const turn of TURNS) removed[turn].delete(key);
  const packs = new Set(stuck.filter(isPack).map(({ key }) => key));
  const until = stuck.filter(isPack).flatMap(({ lockedUntil }) => lockedUntil ?? []);
  const last = until.length === 0 ? undefined : new Date(Math.max(...until.map(Number))).toISOString();
  return {
    swept: {
      removed: [...removed.manifest],
      stuck: stuck.filter((one) => !isPack(one)),
      unreplaced: [],
      underWay: [],
    },
    packs: {
      packs: removed.chain.size + packs.size,
      removed: removed.chain.size,
      until: last,
      lockedUntil: last,
    },
  };
}

function keysOf(found: readonly ObjectVersion[], turn: Turn, rules: WholeRules): string[] {
  return [...new Set(found.map(({ key }) => key))].filter((key) => turnOf(key, rules) === turn);
}
