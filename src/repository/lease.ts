/**
 * Leases: who removes or rewrites in a set at the moment. A lease is an object with a time at which it ends, so that
 * nobody has to clean up after a machine that died. No conditional put is needed: everybody puts a lease of their own
 * and then lists; of two that do so at once, the later one sees the earlier one's (a listing shows what was
 * acknowledged), and whoever sees another's steps back. All times are the store's.
 */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { throwIfCancelled } from '../errors.ts';
import type { ObjectInfo, Store } from '../stores/store.ts';
import { leaseLost, leaseTaken } from './errors.ts';
import { leasesFolder } from './layout.ts';
import { stateFolderOf } from './session.ts';
import type { Session } from './session.ts';
import { readState, writeState } from './state-files.ts';

export const LEASE_MS = 10 * 60_000;
const TRIES = 5;
const WAIT_MS = 400;

const leaseSchema = z.looseObject({
  holder: z.string().max(300),
  purpose: z.string().max(100),
  until: z.iso.datetime(),
});
const ownSchema = z.strictObject({ key: z.string() });
const OWN_FILE = 'lease.json';

export interface Lease extends AsyncDisposable {
  /**
   * To be awaited before each step that destroys or that makes something count; renews the lease when half of its time
   * is over.
   * @throws HoldfastError LEASE_LOST when the time was over: somebody else may be at work now
   */
  check(): Promise<void>;
}

/**
 * Takes the lease of a set. The caller holds `lockSet`: so a lease that this machine remembers is of a dead process,
 * and is taken over at once.
 * @param purpose - for others who have to wait: `expire`, `keys rotate`
 * @throws HoldfastError LOCKED when somebody else holds one
 */
export async function takeLease(
  session: Session<Store>,
  set: string,
  purpose: string,
  signal: AbortSignal,
): Promise<Lease> {
  const { store } = session;
  const file = join(stateFolderOf(session, set), OWN_FILE);
  await dropOwn(store, set, file, signal);
  for (let attempt = 1; ; attempt++) {
    const lease = new HeldLease(store, set, purpose, file, signal);
    await writeState(file, { key: lease.key });
    await lease.put();
    const [other] = await othersOf(store, set, lease.key, signal);
    if (!other) return lease;
    await lease[Symbol.asyncDispose]();
    if (attempt === TRIES) throw leaseTaken(set, other.holder, other.purpose, other.until);
    await sleep(WAIT_MS * attempt * (0.5 + Math.random()), undefined, { signal }).catch(() =>
      throwIfCancelled(signal),
    );
  }
}

/** A process of this machine that died left it behind. */
async function dropOwn(store: Store, set: string, file: string, signal: AbortSignal): Promise<void> {
  const own = await readState(file, ownSchema);
  if (own?.key.startsWith(leasesFolder(set))) await store.remove([own.key], { allVersions: true }, signal);
}

/**
 * Removes the lease that a dead process of this machine has left, without taking one. The caller holds `lockSet`.
 * Costs a listing, and nothing where this machine never had one.
 */
export async function dropDeadLease(
  session: Session<Store>,
  set: string,
  signal: AbortSignal,
): Promise<void> {
  const own = await readState(join(stateFolderOf(session, set), OWN_FILE), ownSchema);
  if (own === undefined) return;
  for await (const { key } of session.store.list(leasesFolder(set), signal))
    if (key === own.key) await session.store.remove([key], { allVersions: true }, signal);
}

interface OtherLease {
  readonly holder: string;
  readonly purpose: string;
  readonly until: Date;
}

/** Leases of others that have not ended; those that have are removed. */
async function othersOf(store: Store, set: string, own: string, signal: AbortSignal): Promise<OtherLease[]> {
  const found: ObjectInfo[] = [];
  for await (const object of store.list(leasesFolder(set), signal))
    if (object.key !== own) found.push(object);
  const now = await store.now(signal);
  const ended = found.filter(({ modified }) => endOf(modified) <= now);
  const keys = ended.map(({ key }) => key);
  if (keys.length > 0) await store.remove(keys, { allVersions: true }, signal);
  const live = found.filter((object) => !ended.includes(object));
  return Promise.all(live.map((object) => describe(store, object, signal)));
}

/** By the store's own time of the object, not by what it says: nobody can hold a set for a year. */
function endOf(modified: Date): Date {
  return new Date(modified.getTime() + LEASE_MS);
}

async function describe(
  store: Store,
  { key, modified }: ObjectInfo,
  signal: AbortSignal,
): Promise<OtherLease> {
  const until = endOf(modified);
  try {
    const value: unknown = JSON.parse((await store.get(key, undefined, signal)).toString('utf8'));
    const { holder, purpose } = leaseSchema.parse(value);
    return { holder: printable(holder), purpose: printable(purpose), until };
  } catch {
    throwIfCancelled(signal);
    return { holder: 'somebody', purpose: 'not said', until };
  }
}

/** Anybody who may put leases chooses this text. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?');
}

interface Moment {
  readonly awakeMs: number;
  readonly wallMs: number;
}

function moment(): Moment {
  return { awakeMs: performance.now(), wallMs: Date.now() };
}

/** One clock cannot be set but stops while a laptop sleeps, the other one goes on: the longer time counts. */
function elapsed(since: Moment): number {
  return Math.max(performance.now() - since.awakeMs, Date.now() - since.wallMs);
}

class HeldLease implements Lease {
  readonly key: string;
  readonly #store: Store;
  readonly #set: string;
  readonly #purpose: string;
  /** Where this machine remembers it. */
  readonly #file: string;
  readonly #signal: AbortSignal;
  /** Before the put that made it last: the lease counts from then at the earliest. */
  #since = moment();

  constructor(store: Store, set: string, purpose: string, file: string, signal: AbortSignal) {
    this.#file = file;
    this.key = `${leasesFolder(set)}${randomBytes(8).toString('hex')}.json`;
    this.#store = store;
    this.#set = set;
    this.#purpose = purpose;
    this.#signal = signal;
  }

  async put(): Promise<void> {
    const since = moment();
    const until = endOf(await this.#store.now(this.#signal)).toISOString();
    const holder = `${hostname()} (process ${process.pid})`;
    const text = JSON.stringify({ holder, purpose: this.#purpose, until });
    await this.#store.put(this.key, Buffer.from(`${text}\n`), {}, this.#signal);
    this.#since = since;
  }

  async check(): Promise<void> {
    throwIfCancelled(this.#signal);
    if (this.#isOver()) throw leaseLost(this.#set);
    if (elapsed(this.#since) < LEASE_MS / 2) return;
    await this.put();
  }

  #isOver(): boolean {
    return elapsed(this.#since) >= LEASE_MS;
  }

  /** After a cancel nothing more is asked of the store: then the lease ends by its time, or by the next run here. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      await this.#store.remove([this.key], { allVersions: true }, this.#signal);
      await rm(this.#file, { force: true });
    } catch {
      // It ends by its time; what the run has done does not depend on it.
    }
  }
}
