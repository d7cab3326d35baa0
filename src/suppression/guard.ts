/** What a backup does about people who were erased and are in the database still, or again: by the set's policy. */
import type { Ledger } from '../repository/ledger.ts';
import type { Session } from '../repository/session.ts';
import type { Schema } from '../sources/schema.ts';
import type { DumpStream, SourceInfo } from '../sources/source.ts';
import { subjectBack } from './errors.ts';
import { purgeIntents } from './pending.ts';
import { readTokens } from './read-tokens.ts';
import type { Tokens } from './tokens.ts';
import { TokenWatch } from './watch.ts';

/** `refuse`: no snapshot is made. `warn`: it is made, it is said, and a restore leaves them out. */
export type OnPurged = 'refuse' | 'warn';

export interface GuardOptions {
  readonly session: Pick<Session, 'store' | 'id' | 'operators'>;
  readonly set: string;
  readonly policy: OnPurged;
  readonly onWarning: (text: string) => void;
}

export class PurgeGuard {
  readonly #options: GuardOptions;
  readonly #tokens: readonly Tokens[];

  private constructor(options: GuardOptions, tokens: readonly Tokens[]) {
    this.#options = options;
    this.#tokens = tokens;
  }

  /**
   * Reads the tokens of all purges in a ledger.
   * @param now - the store's clock
   * @throws HoldfastError TOKENS_UNUSABLE under `refuse`; it is a warning otherwise
   */
  static async read(
    options: GuardOptions,
    ledger: Ledger,
    now: Date,
    signal: AbortSignal,
  ): Promise<PurgeGuard> {
    const { session, set, policy, onWarning } = options;
    const onProblem = (error: Error): void => {
      if (policy === 'refuse') throw error;
      onWarning(error.message);
    };
    const intents = purgeIntents(ledger, session.operators);
    return new PurgeGuard(options, await readTokens(session, set, intents, now, onProblem, signal));
  }

  /** Looks at one dump. */
  begin(schema: Schema, info: Pick<SourceInfo, 'facts'>): DumpGuard {
    return new DumpGuard(this.#options, new TokenWatch(this.#tokens, schema, info));
  }
}

/** Looks at one dump while it is recorded. */
export class DumpGuard {
  readonly #options: GuardOptions;
  readonly #watch: TokenWatch;

  constructor(options: GuardOptions, watch: TokenWatch) {
    this.#options = options;
    this.#watch = watch;
  }

  /** The stream to record instead of this one. */
  watch(stream: DumpStream): DumpStream {
    return this.#watch.watch(stream);
  }

  /**
   * Judges what was seen, once the dump is recorded.
   * @throws HoldfastError PURGED_SUBJECT_BACK under `refuse`
   */
  judge(): void {
    const { set, policy, onWarning } = this.#options;
    const { back } = this.#watch;
    if (back.size === 0) return;
    const purges = [...back.keys()].sort();
    const rows = [...back.values()].reduce((sum, count) => sum + count, 0);
    if (policy === 'refuse') throw subjectBack(set, purges, rows);
    onWarning(
      `${rows} ${rows === 1 ? 'subject' : 'subjects'} whom purge ${purges.join(', ')} erased ${rows === 1 ? 'is' : 'are'} in the database; ` +
        'the snapshot has them, and a restore of it leaves them out',
    );
  }
}
