/** What `expire` and `backup` share: expiring one set in the store and in its copies, and saying what happened. */
import type { SetConfig } from '../../config/config.ts';
import { isSurvivable } from '../../errors.ts';
import type { ExpireFailure, ExpireOutcome, ExpirePlace, ExpireRun } from '../../retention/expire.ts';
import type { PlannedSnapshot } from '../../retention/plan-expire.ts';
import type { ExpireChoices } from '../../retention/read-expire.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural } from '../terminal/format.ts';
import type { OpenedSession } from '../wiring.ts';

export interface ExpireSetOptions extends ExpireChoices {
  /** Remove; otherwise only plan. */
  readonly confirm: boolean;
  /** Leave buckets alone: they expire by themselves, and a host may not delete there. */
  readonly foldersOnly: boolean;
}

/**
 * Plans, or expires, a set in the store and in every copy. A copy that cannot be reached is among the failures, and keeps
 * nothing else from going.
 */
export async function expireSet(
  context: CliContext,
  { config, session }: OpenedSession,
  set: SetConfig,
  options: ExpireSetOptions,
): Promise<ExpireRun> {
  const { planAll, runExpire } = await import('../../retention/expire.ts');
  const { openCopies } = await import('../copies/copies.ts');
  const { schemeOf } = await import('../../stores/address.ts');
  await using stack = new AsyncDisposableStack();
  const copies: ExpirePlace[] = [];
  const unreached: ExpireFailure[] = [];
  const replicas = set.replicas.filter(({ store }) => !options.foldersOnly || schemeOf(store) === 'file');
  for (const replica of replicas) {
    try {
      const opened = stack.use(await openCopies(context, config, { ...set, replicas: [replica] }));
      for (const copy of opened.copies) copies.push({ copy: copy.name, session: copy.session });
    } catch (error) {
      // A clock that somebody contradicts removes nothing anywhere.
      if (!isSurvivable(error) || error.code === 'STORE_CLOCK') throw error;
      unreached.push({ copy: replica.name, error });
    }
  }
  const expire = options.confirm ? runExpire : planAll;
  const places = [{ copy: undefined, session }, ...copies] as const;
  const { outcomes, failures } = await expire(places, set.name, options, context.signal);
  return { outcomes, failures: [...unreached, ...failures] };
}

const COLUMNS = [
  { title: 'SNAPSHOT' },
  { title: 'WHAT' },
  { title: 'WHY' },
  { title: 'SIZE', align: 'right' },
] as const;

/** Says what is planned or done, place by place; what only waits for its time is left to `--json`. */
export function tellExpire({ output, quiet }: CliContext, outcomes: readonly ExpireOutcome[]): void {
  for (const { copy, plan, done, stuck } of outcomes) {
    const where = copy === undefined ? plan.set : `${plan.set} (copy ${copy})`;
    const about = { set: plan.set, ...(copy !== undefined && { copy }) };
    const going = plan.snapshots.filter(({ action }) => action === 'remove');
    const rows = plan.snapshots.filter(({ usual }) => !usual);
    if (!quiet && rows.length > 0) output.table(COLUMNS, rows.map(row));
    for (const { usual: _, ...snapshot } of plan.snapshots)
      output.record({ type: 'expire', ...about, ...snapshot });
    if (!quiet)
      output.line(
        `${where}: ${VERB[plan.refusal ? 'refused' : done ? 'done' : 'planned']} ${formatPlural(going.length, 'snapshot')} and ` +
          `${formatPlural(plan.packs.count, 'pack')}, ${formatBytes(plan.bytes)}`,
      );
    for (const { key, reason } of stuck) output.warn(`${key} is still there: ${reason}`);
    output.record({
      ...{
        type: 'expire-place',
        ...about,
        snapshots: going.length,
        packs: plan.packs.count,
        bytes: plan.bytes,
        done,
      },
      ...(plan.refusal && { refused: plan.refusal.code, reason: plan.refusal.reason }),
      ...(stuck.length > 0 && { stuck }),
    });
  }
}

const VERB = { refused: 'not removed:', done: 'removed', planned: 'would remove' } as const;

function row({ snapshot, action, why, bytes }: PlannedSnapshot): string[] {
  return [snapshot, action, why, formatBytes(bytes)];
}
