/** The copies of a set: the further stores that `replicas` names, opened and proven to hold the same store. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Config, ReplicaConfig, SetConfig } from '../../config/config.ts';
import { isHoldfastError } from '../../errors.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { Session } from '../../repository/session.ts';
import type { Store } from '../../stores/store.ts';
import type { CliContext } from '../context.ts';
import { asCopyError, copyUnknown } from './copies-errors.ts';
import { openConfiguredSession, openResidentStore, openSessionOn, readConfiguredKeys } from '../wiring.ts';
import type { OpenedSession } from '../wiring.ts';

/** One copy of a set, as its own verified store. */
export interface OpenedCopy {
  readonly name: string;
  readonly session: Session<Store>;
}

export interface OpenedCopies extends AsyncDisposable {
  readonly copies: readonly OpenedCopy[];
  /** Names of copies that were never made: reachable places without anything in them. */
  readonly empty: readonly string[];
}

/**
 * Opens every copy of a set, for whoever deletes: what goes from the store has to go from each of them. Run it after
 * the deletion is committed in the ledger of the store itself: `holdfast copy` reads that again when it has put
 * something, and so never leaves behind what was superseded meanwhile.
 * @throws HoldfastError what opening a store throws: a copy that cannot be reached is not one that was cleaned
 */
export async function openCopies(context: CliContext, config: Config, set: SetConfig): Promise<OpenedCopies> {
  await using stack = new AsyncDisposableStack();
  const copies: OpenedCopy[] = [];
  const empty: string[] = [];
  for (const replica of set.replicas) {
    const store = stack.adopt(await openReplicaStore(context, replica), (opened) => opened.close());
    const session = await sessionUnlessEmpty(context, config, replica, store);
    if (session) copies.push({ name: replica.name, session });
    else empty.push(replica.name);
  }
  const resources = stack.move();
  return { copies, empty, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function sessionUnlessEmpty(
  context: CliContext,
  config: Config,
  replica: ReplicaConfig,
  store: Store,
): Promise<Session<Store> | undefined> {
  try {
    return await openCopySession(context, config, replica, store);
  } catch (error) {
    if (!isHoldfastError(error, 'STORE_NOT_INITIALISED') || (await holdsSnapshots(store, context.signal)))
      throw error;
    return undefined;
  }
}

async function holdsSnapshots(store: Store, signal: AbortSignal): Promise<boolean> {
  return (await store.folders('', signal)).some((name) => name.startsWith('keep-'));
}

/**
 * The store of a copy, where it may be by the promise of residency.
 * @throws HoldfastError RESIDENCY_REFUSED, RESIDENCY_UNKNOWN
 */
export async function openReplicaStore(
  context: CliContext,
  { store, s3 }: Pick<ReplicaConfig, 'store' | 's3'>,
): Promise<Store> {
  return openResidentStore(context, await context.config(), store, s3);
}

/**
 * Opens a copy as a session with a state of its own: it may be behind the store without having been rolled back.
 * @param more - further keys whose certifications count, e.g. the reader's own
 * @throws HoldfastError STORE_MISSING, STORE_NOT_INITIALISED and what opening a session throws
 */
async function openCopySession(
  context: CliContext,
  config: Config,
  replica: ReplicaConfig,
  store: Store,
  more: readonly openpgp.PublicKey[] = [],
): Promise<Session<Store>> {
  const keys = await readConfiguredKeys(config);
  try {
    return await openSessionOn(context, store, { keys, more, stateDir: copyStateDir(config, replica) });
  } catch (error) {
    throw asCopyError(error, store.bucket === undefined);
  }
}

/** A session, and the sets that are read from it. */
export interface SessionForSets {
  readonly opened: OpenedSession;
  readonly sets: readonly SetConfig[];
}

/**
 * What sets are read from: the store for all of them, or each set's copy of this name. Each session is closed when the
 * next one is asked for.
 * @param named - a person has named the sets: then each has to have such a copy
 * @throws HoldfastError COPY_UNKNOWN
 */
export async function* sessionsFor(
  context: CliContext,
  sets: readonly SetConfig[],
  { copy, named, more }: { copy: string | undefined; named: boolean; more: readonly openpgp.PublicKey[] },
): AsyncGenerator<SessionForSets> {
  if (copy === undefined) {
    await using opened = await openConfiguredSession(context, more);
    yield { opened, sets };
    return;
  }
  for (const set of setsWith(sets, { copy, named })) {
    await using opened = await openCopyOf(context, set, copy, more);
    yield { opened, sets: [set] };
  }
}

/** The sets that a run is about: who asks for a copy and names no set means those that have it, where there are any. */
export function setsWith(
  sets: readonly SetConfig[],
  { copy, named }: { readonly copy: string | undefined; readonly named: boolean },
): readonly SetConfig[] {
  if (copy === undefined || named) return sets;
  const having = sets.filter(({ replicas }) => replicas.some(({ name }) => name === copy));
  return having.length > 0 ? having : sets;
}

/** Opens a set's copy in place of the store, which is not asked for anything: it may be gone. */
export async function openCopyOf(
  context: CliContext,
  set: SetConfig,
  name: string,
  more: readonly openpgp.PublicKey[],
): Promise<OpenedSession> {
  const config = await context.config();
  const replica = replicaOf(set, name);
  const store = await openReplicaStore(context, replica);
  try {
    const session = await openCopySession(context, config, replica, store, more);
    const keys = await readConfiguredKeys(config);
    return { config, session, keys, [Symbol.asyncDispose]: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Where this machine keeps what it knows of a copy: apart from the store itself and from other copies. */
export function copyStateDir(config: Config, { store }: ReplicaConfig): string {
  const name = createHash('sha256').update(store).digest('hex').slice(0, 16);
  return join(config.stateDir, 'copies', name);
}

/**
 * The copy of this name.
 * @throws HoldfastError COPY_UNKNOWN naming those that there are
 */
export function replicaOf({ name: set, replicas }: SetConfig, name: string): ReplicaConfig {
  const replica = replicas.find((one) => one.name === name);
  const known = replicas.map((one) => one.name);
  if (!replica) throw copyUnknown(set, name, known);
  return replica;
}
