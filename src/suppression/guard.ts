/** What a backup does about people who were erased and are in the database still, or again: by the set's policy. */
import { isHoldfastError, reasonOf } from '../errors.ts';
import type { Ledger } from '../repository/ledger.ts';
import { purgesOf } from '../repository/purges.ts';
import type { Session } from '../repository/session.ts';
import type { Schema } from '../sources/schema.ts';
import type { DumpStream, SourceInfo, SourceKind } from '../sources/source.ts';
import type { SubjectMap } from '../subjects/map.ts';
import { DumpFilter } from './dump-filter.ts';
import { cannotFilter, subjectBack } from './errors.ts';
import type { FilteredDump } from './filtered-dump.ts';
import { readTokens } from './read-tokens.ts';
import type { Tokens } from './tokens.ts';
import { TokenWatch } from './watch.ts';
import type { SeenPerson } from './watch.ts';

/**
 * `refuse`: no snapshot is made. `warn`: it is made, it is said, and a restore leaves them out. `filter`: it is made
 * without them; where that cannot be, none is.
 */
export type OnPurged = 'refuse' | 'warn' | 'filter';

export interface GuardOptions {
  readonly session: Pick<Session, 'store' | 'id' | 'operators'>;
  readonly set: string;
  readonly policy: OnPurged;
  /** The set's, for `filter`. */
  readonly map: SubjectMap | undefined;
  readonly engine: SourceKind;
  readonly onWarning: (text: string) => void;
}

export class PurgeGuard {
  readonly #options: GuardOptions;
  readonly #tokens: readonly Tokens[];
  readonly #filter: DumpFilter | undefined;

  private constructor(options: GuardOptions, tokens: readonly Tokens[]) {
    const { policy, map, engine } = options;
    this.#options = options;
    this.#tokens = tokens;
    if (policy === 'filter' && map !== undefined) this.#filter = new DumpFilter(map, engine);
  }

  /**
   * Reads the tokens of all purges in a ledger.
   * @param now - the store's clock
   * @throws HoldfastError TOKENS_UNUSABLE, which is a warning under `warn`
   */
  static async read(
    options: GuardOptions,
    ledger: Ledger,
    now: Date,
    signal: AbortSignal,
  ): Promise<PurgeGuard> {
    const { session, set, policy, onWarning } = options;
    const onProblem = (error: Error): void => {
      if (policy !== 'warn') throw error;
      onWarning(error.message);
    };
    const purges = purgesOf(ledger, session.operators);
    return new PurgeGuard(options, await readTokens(session, set, purges, now, onProblem, signal));
  }

  /** False when the next dump can only be looked through: who is to be left out of it is not known yet. */
  get isReady(): boolean {
    return this.#filter?.knowsAll ?? true;
  }

  /** Looks at one dump. */
  begin(schema: Schema, info: Pick<SourceInfo, 'facts'>): DumpGuard {
    return new DumpGuard(
      this.#options,
      new TokenWatch(this.#tokens, schema, info, this.#options.map),
      this.#filter,
      {
        schema,
        info,
      },
    );
  }
}

/** Looks at one dump while it is recorded. */
export class DumpGuard {
  readonly #options: GuardOptions;
  readonly #watch: TokenWatch;
  readonly #filter: DumpFilter | undefined;
  readonly #filtered: FilteredDump | undefined;

  constructor(
    options: GuardOptions,
    watch: TokenWatch,
    filter: DumpFilter | undefined,
    { schema, info }: { readonly schema: Schema; readonly info: Pick<SourceInfo, 'facts'> },
  ) {
    this.#options = options;
    this.#watch = watch;
    this.#filter = filter;
    this.#filtered = filter?.begin(schema, info);
  }

  /** The stream to record instead of this one. */
  watch(stream: DumpStream): DumpStream {
    const watched = this.#watch.watch(stream);
    return this.#filtered?.filter(watched) ?? watched;
  }

  /**
   * Judges what was seen, once the dump is recorded.
   * @returns false under `filter`, when another dump has to be read: somebody is in this one
   * @throws HoldfastError PURGED_SUBJECT_BACK under `refuse`, PURGED_SUBJECT_STAYS under `filter`
   */
  async judge(signal: AbortSignal): Promise<boolean> {
    const { set, policy, onWarning } = this.#options;
    const { back, people } = this.#watch;
    if (back.size === 0 && (this.#filtered?.rows.length ?? 0) === 0) return true;
    const purges = [...back.keys()].sort();
    const count = people.length;
    if (policy === 'refuse') throw subjectBack(set, purges, count);
    if (policy === 'filter') return this.#judgeFiltered(people, purges, signal);
    onWarning(`${whoIsBack(count, purges)}; the snapshot has them, and a restore of it leaves them out`);
    return true;
  }

  async #judgeFiltered(
    people: readonly SeenPerson[],
    purges: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { set, onWarning } = this.#options;
    const [filter, dump] = [this.#filter, this.#filtered];
    const fail = (reason: string, cause?: unknown) => cannotFilter(set, purges, reason, cause);
    if (!filter || !dump) throw fail('the set has no subject map');
    const { root } = filter.map;
    const isOurs = ({ table, by }: SeenPerson) =>
      table === root.table && JSON.stringify(by) === JSON.stringify(root.key);
    if (!people.every(isOurs)) throw fail("the set's subject map is about others than the purge's");
    const verdict = await filter.judge(dump, people, signal).catch((error: unknown) => {
      throw isHoldfastError(error) && error.exit !== 'cancelled' ? fail(reasonOf(error), error) : error;
    });
    if (verdict.kind === 'impossible') throw fail(verdict.reason);
    if (verdict.kind === 'again') return false;
    if (people.length > 0)
      onWarning(
        `${whoIsBack(people.length, purges)}; the snapshot is without them: ${verdict.deleted} rows left out, ${verdict.changed} changed`,
      );
    return true;
  }
}

function whoIsBack(count: number, purges: readonly string[]): string {
  const [who, are] = count === 1 ? ['subject', 'is'] : ['subjects', 'are'];
  return `${count} ${who} whom purge ${purges.join(', ')} erased ${are} in the database`;
}
