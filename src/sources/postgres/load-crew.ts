/** The sessions of a restore: opened when needed, ended together. */
import { cancelled } from '../../errors.ts';
import { IMPATIENT } from './load-claim.ts';
import { LoadSession } from './load-session.ts';
import type { Target, TargetFacts } from './load-target.ts';

const MIB = 1024 * 1024;
/** Memory for index builds of one session, and of all sessions together, unless the server's own setting is larger. */
const INDEX_MEMORY = 256 * MIB;
const INDEX_MEMORY_OF_ALL = 512 * MIB;

/** Ends what still runs for a process that was killed, e.g. building an index: since PostgreSQL 14, not on every system. */
const CHECK = 'client_connection_check_interval';

export class Crew {
  readonly #target: Target;
  readonly #tuning: readonly string[];
  /** As the tuning, but a server that refuses is no obstacle. */
  readonly #wishes: readonly string[];
  readonly #jobs: number;
  readonly #sessions: LoadSession[] = [];
  readonly #failure = new AbortController();
  readonly #outer: AbortSignal;
  readonly #onAbort: () => void;
  #control: LoadSession | undefined;
  #stopping: Promise<void> | undefined;
  /** Fires on the caller's signal and on the first failure. */
  readonly signal: AbortSignal;

  constructor(target: Target, facts: TargetFacts, jobs: number, signal: AbortSignal) {
    this.#target = target;
    this.#jobs = Math.max(1, Math.floor(jobs));
    this.#tuning = tuning(facts, Math.max(1, jobs));
    this.#wishes = facts.settings.has(CHECK) ? [IMPATIENT, `SET ${CHECK} = '2s'`] : [IMPATIENT];
    this.#outer = signal;
    this.signal = AbortSignal.any([signal, this.#failure.signal]);
    this.#onAbort = () => void this.stop(cancelled());
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** The first session: the pre-data runs in it. */
  async first(): Promise<LoadSession> {
    return this.#sessions[0] ?? this.#open();
  }

  /** As many sessions as there are jobs. */
  async all(): Promise<readonly LoadSession[]> {
    while (this.#sessions.length < this.#jobs) await this.#open();
    return this.#sessions;
  }

  /** A session without settings of the dump, for looking at the catalogue. */
  async control(): Promise<LoadSession> {
    this.#control ??= await LoadSession.open(this.#target.connection, ["SET search_path = ''"]);
    return this.#control;
  }

  /** Ends what runs on the server and all sessions: after this every pending statement fails soon. Never throws. */
  stop(reason: unknown): Promise<void> {
    this.#stopping ??= this.#stop(reason);
    return this.#stopping;
  }

  /** Ends all sessions. Never throws. */
  async close(): Promise<void> {
    this.#outer.removeEventListener('abort', this.#onAbort);
    await Promise.all(
      [...this.#sessions, ...(this.#control === undefined ? [] : [this.#control])].map((each) =>
        each.close(),
      ),
    );
  }

  async #open(): Promise<LoadSession> {
    this.signal.throwIfAborted();
    const session = await LoadSession.open(this.#target.connection, this.#tuning);
    this.#sessions.push(session);
    for (const wish of this.#wishes) await session.query(wish).catch(() => undefined);
    // Cancelled while it was opened: `stop` has not seen it.
    if (this.signal.aborted) await session.close();
    this.signal.throwIfAborted();
    return session;
  }

  /** The server would go on with a long statement whose client has gone, so it is told. */
  async #stop(reason: unknown): Promise<void> {
    this.#failure.abort(reason);
    await this.#target.terminate(this.#sessions.map(({ pid }) => pid)).catch(() => undefined);
    await this.close();
  }
}

/**
 * What makes loading faster without a risk to the result: a crash of the server before the end loses the whole restore
 * anyway, and the end waits for the disk (see LoadSession.makeDurable).
 */
function tuning({ maintenanceMemory }: TargetFacts, jobs: number): readonly string[] {
  const memory = Math.max(maintenanceMemory, Math.min(INDEX_MEMORY, Math.floor(INDEX_MEMORY_OF_ALL / jobs)));
  return [
    'SET synchronous_commit = off',
    'SET default_transaction_read_only = off',
    `SET maintenance_work_mem = '${Math.floor(memory / 1024)}kB'`,
  ];
}
