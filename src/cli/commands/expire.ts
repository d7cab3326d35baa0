/** `holdfast expire`: what is past its promise goes; a plan, unless it is confirmed. */
import type { Command } from 'commander';
import { setsOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import { isSurvivable } from '../../errors.ts';
import type { HoldfastError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { tellFailure } from '../set-failure.ts';
import { expireSet, tellExpire } from '../expiring/expire.ts';
import { expireSealed } from '../expiring/expire-sealed.ts';
import { formatPlural } from '../terminal/format.ts';
import { incompleteRun, monitored, unmonitored } from '../monitors.ts';
import type { RunWatch } from '../monitors.ts';
import { withExamples } from '../program.ts';
import { openConfiguredSession } from '../wiring.ts';

interface ExpireFlags {
  readonly confirm?: boolean;
  readonly evenLast?: boolean;
  readonly trustClock?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('expire [SET...]')
    .description('remove what is past its promise, where no bucket does; says what it would do')
    .option('--confirm', 'do it')
    .option('--even-last', 'also the newest snapshot that verifies, when it is past its end')
    .option('--trust-clock', "the store's clock is right, though it seems to have leapt")
    .action((names: string[], flags: ExpireFlags) => expire(context, names, flags));
  withExamples(command, [
    ['holdfast expire', 'what would go, of all sets'],
    ['holdfast expire shop --confirm', 'one set; also in its copies'],
  ]);
}

/** A set that fails does not keep the others from going; its error decides the exit code. */
async function expire(context: CliContext, names: readonly string[], flags: ExpireFlags): Promise<void> {
  const sets = setsOf(await context.config(), names);
  const work = (watch: RunWatch) => expireSets(context, sets, { ...flags, all: names.length === 0 }, watch);
  if (flags.confirm !== true) return unmonitored(context, work);
  const namesOf = sets.map(({ name }) => name);
  return monitored(context, 'expire', namesOf, work);
}

interface ExpireChoices extends ExpireFlags {
  /** No set was named. */
  readonly all: boolean;
}

async function expireSets(
  context: CliContext,
  sets: readonly SetConfig[],
  flags: ExpireChoices,
  watch: RunWatch,
): Promise<Readonly<Record<string, unknown>>> {
  const { expireRefused } = await import('../../retention/errors.ts');
  await using opened = await openConfiguredSession(context);
  const { confirm = false, evenLast = false, trustClock = false } = flags;
  const total = { removed: 0, packs: 0, bytes: 0 };
  const failed: string[] = [];
  const fail = (set: string, error: HoldfastError, copy?: string) => {
    if (!failed.includes(set)) failed.push(set);
    watch.failed(set, error);
    tellFailure(context, { set, ...(copy !== undefined && { copy }) }, error);
  };
  // Not by a clock that some set does not believe.
  let trusted = true;
  for (const set of sets) {
    try {
      const options = { confirm, evenLast, trustClock, foldersOnly: false };
      const { outcomes, failures } = await expireSet(context, opened, set, options);
      tellExpire(context, outcomes);
      watch.succeeded(set.name);
      for (const { copy, error } of failures) fail(set.name, error, copy);
      for (const { copy, plan, stuck } of outcomes) {
        if (stuck.length > 0) {
          context.exit('incomplete');
          watch.failed(
            set.name,
            incompleteRun(`${formatPlural(stuck.length, 'object')} cannot be removed yet`),
          );
        }
        const { refusal } = plan;
        if (refusal) {
          trusted = false;
          fail(set.name, expireRefused(refusal.code, refusal.reason, refusal.hint), copy);
        } else {
          total.removed += plan.snapshots.filter(({ action }) => action === 'remove').length;
          total.packs += plan.packs.count;
          total.bytes += plan.bytes;
        }
      }
    } catch (error) {
      if (sets.length === 1 || !isSurvivable(error)) throw error;
      trusted = false;
      fail(set.name, error);
    }
  }
  const sealed = flags.all && trusted ? (await expireSealed(context, opened, confirm)).exports : 0;
  const something = total.removed + total.packs + sealed > 0;
  if (!confirm && something) context.output.line('nothing was removed; to do it: holdfast expire --confirm');
  return { sets: sets.length, confirmed: confirm, ...total, sealed, failed };
}
