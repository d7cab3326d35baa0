/** `holdfast copy`: brings the copies of sets level with the store. */
import type { Command } from 'commander';
import { setsOf } from '../../config/config.ts';
import type { ReplicaConfig, SetConfig } from '../../config/config.ts';
import { isSurvivable } from '../../errors.ts';
import type { CopyReport } from '../../copy/copy.ts';
import type { CopyPlan, Remark } from '../../copy/steps.ts';
import type { CliContext } from '../context.ts';
import { tellFailure } from '../set-failure.ts';
import { noCopies } from '../copies/copies-errors.ts';
import { copyStateDir, openReplicaStore, replicaOf } from '../copies/copies.ts';
import { formatBytes, formatPlural } from '../terminal/format.ts';
import { incompleteRun, monitored, unmonitored } from '../monitors.ts';
import type { RunWatch } from '../monitors.ts';
import { withExamples } from '../program.ts';
import { openConfiguredSession } from '../wiring.ts';
import type { OpenedSession } from '../wiring.ts';

interface CopyFlags {
  readonly to?: string;
  readonly check?: boolean;
  readonly dryRun?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('copy [SET...]')
    .description('bring the copies (replicas) of sets level with the store; all of them when none is named')
    .option('--to <NAME>', 'only this copy')
    .option('--check', 'copy nothing; read both sides and compare every byte')
    .option('--dry-run', 'show what would be done')
    .action((names: string[], flags: CopyFlags) => copy(context, names, flags));
  withExamples(command, [
    ['holdfast copy', 'all copies of all sets, for cron'],
    ['holdfast copy shop --to offsite', 'one of them'],
    ['holdfast copy --check', 'read everything on both sides, once a month'],
  ]);
}

interface Pair {
  readonly set: SetConfig;
  readonly replica: ReplicaConfig;
}

/** A copy that fails does not keep the others from being brought level; its error decides the exit code. */
async function copy(context: CliContext, names: readonly string[], flags: CopyFlags): Promise<void> {
  const config = await context.config();
  const pairs = pairsOf(setsOf(config, names), names.length > 0, flags.to);
  if (pairs.length === 0) throw noCopies(config.file, flags.to);
  const work = (watch: RunWatch) => copyPairs(context, pairs, flags, watch);
  if (flags.dryRun === true) return unmonitored(context, work);
  const sets = [...new Set(pairs.map(({ set }) => set.name))];
  return monitored(context, 'copy', sets, work);
}

async function copyPairs(
  context: CliContext,
  pairs: readonly Pair[],
  flags: CopyFlags,
  watch: RunWatch,
): Promise<Readonly<Record<string, unknown>>> {
  await using opened = await openConfiguredSession(context);
  const failed: string[] = [];
  const done = new SetsCopied(watch);
  for (const pair of pairs) {
    try {
      done.note(pair, await copyOne(context, opened, pair, flags));
    } catch (error) {
      done.failed(pair, error);
      if (pairs.length === 1 || !isSurvivable(error)) throw error;
      failed.push(titleOf(pair));
      tellFailure(context, { set: pair.set.name, copy: pair.replica.name }, error);
    }
  }
  done.conclude(pairs);
  return { copies: pairs.length, failed };
}

/** What came of one copy. */
interface Copied {
  readonly bytes: number;
  readonly problems: number;
}

/** A set is copied when all of its copies are: one of several (`--to`) is a part. */
class SetsCopied {
  readonly #watch: RunWatch;
  readonly #level = new Map<string, { copies: number; bytes: number }>();
  readonly #bad = new Set<string>();

  constructor(watch: RunWatch) {
    this.#watch = watch;
  }

  note(pair: Pair, { bytes, problems }: Copied): void {
    if (problems > 0) {
      this.failed(pair, incompleteRun(`${titleOf(pair)} is not level`));
      return;
    }
    const { name } = pair.set;
    const before = this.#level.get(name) ?? { copies: 0, bytes: 0 };
    this.#level.set(name, { copies: before.copies + 1, bytes: before.bytes + bytes });
  }

  failed({ set }: Pair, error: unknown): void {
    this.#bad.add(set.name);
    this.#watch.failed(set.name, error);
  }

  /** Says what became of the sets, when all pairs have been gone through. */
  conclude(pairs: readonly Pair[]): void {
    for (const set of new Set(pairs.map((pair) => pair.set))) {
      const { copies, bytes } = this.#level.get(set.name) ?? { copies: 0, bytes: 0 };
      if (this.#bad.has(set.name)) continue;
      if (copies < set.replicas.length)
        this.#watch.partly(set.name, `${copies} of its ${set.replicas.length} copies`);
      else this.#watch.succeeded(set.name, { figures: { copied_bytes: bytes } });
    }
  }
}

/** With names, or with `--to`, whoever has no such copy is told; otherwise sets without copies are passed over. */
function pairsOf(sets: readonly SetConfig[], named: boolean, to: string | undefined): Pair[] {
  return sets.flatMap((set) => {
    if (to === undefined) return set.replicas.map((replica) => ({ set, replica }));
    if (!named && !set.replicas.some(({ name }) => name === to)) return [];
    return [{ set, replica: replicaOf(set, to) }];
  });
}

function titleOf({ set, replica }: Pair): string {
  return `${set.name} → ${replica.name}`;
}

async function copyOne(
  context: CliContext,
  { config, session }: OpenedSession,
  pair: Pair,
  flags: CopyFlags,
): Promise<Copied> {
  const { set, replica } = pair;
  const destination = await openReplicaStore(context, replica);
  await using _store = { [Symbol.asyncDispose]: () => destination.close() };
  const room = await import('../../copy/copy.ts');
  const options = { source: session, destination, set: set.name, stateDir: copyStateDir(config, replica) };
  if (flags.check === true || flags.dryRun === true) {
    const { gathered, plan } = await room.previewCopy(options, context.signal);
    const problems = [...gathered.problems, ...plan.problems];
    showProblems(context, pair, problems);
    if (flags.check !== true) {
      showPlan(context, pair, plan);
      return { bytes: 0, problems: problems.length };
    }
    const { compareCopy } = await import('../../copy/compare.ts');
    const task = context.progress.start(`comparing ${titleOf(pair)}`);
    const onProgress = (bytes: number) => task.add(bytes);
    const compared = compareCopy(gathered.facts, session.store, destination, onProgress, context.signal);
    const comparison = await compared.finally(() => task.end());
    showComparison(context, pair, plan, comparison);
    return { bytes: 0, problems: problems.length + comparison.differing.length + plan.behind };
  }
  const task = context.progress.start(`copying ${titleOf(pair)}`);
  const report = await room
    .copySet(
      {
        ...options,
        ...(set.objectLock && { lock: set.objectLock }),
        onPlan: () => undefined,
        onPut: ({ bytes }, key) => {
          task.add(bytes);
          task.say(key);
        },
        onRemoved: ({ key, why }) => context.log.info('removed from the copy', { key, why }),
        onNote: (text) => context.output.note(text),
      },
      context.signal,
    )
    .finally(() => task.end());
  showReport(context, pair, report);
  return { bytes: report.bytes, problems: report.problems.length };
}

function showProblems(context: CliContext, pair: Pair, problems: readonly Remark[]): void {
  for (const { about, text } of problems) context.output.warn(`${titleOf(pair)}: ${about}: ${text}`);
  if (problems.length > 0) context.exit('incomplete');
}

function showReport(context: CliContext, pair: Pair, report: CopyReport): void {
  const { covered, brought, objects, bytes, removed, left, problems } = report;
  showProblems(context, pair, problems);
  const state = problems.length > 0 ? 'NOT LEVEL' : 'level';
  const done = [
    ...(objects > 0
      ? [
          `${formatPlural(brought, 'snapshot')} brought, ${formatPlural(objects, 'object')} put (${formatBytes(bytes)})`,
        ]
      : []),
    ...(removed > 0 ? [`${formatPlural(removed, 'old manifest')} removed`] : []),
  ];
  if (!context.quiet || problems.length > 0)
    context.output.line(
      `${titleOf(pair)}: ${state}, ${formatPlural(covered, 'snapshot')}; ${done.length === 0 ? 'nothing to do' : done.join(', ')}`,
    );
  context.output.record({
    ...{ type: 'copy', set: pair.set.name, copy: pair.replica.name, level: problems.length === 0 },
    ...{ snapshots: covered, brought, objects, bytes, removed, left, problems },
  });
}

function showPlan({ output }: CliContext, pair: Pair, { stages, covered, behind, left }: CopyPlan): void {
  const puts = stages.flatMap((stage) => stage.puts);
  const removals = stages.flatMap((stage) => stage.removals);
  const bytes = puts.reduce((sum, step) => sum + step.bytes, 0);
  output.line(
    `${titleOf(pair)}: would bring ${behind} of ${formatPlural(covered, 'snapshot')}: ${formatPlural(puts.length, 'object')} (${formatBytes(bytes)})`,
  );
  for (const { name, puts: some } of stages)
    if (some.length > 0)
      output.line(
        `  ${name}: ${formatPlural(some.length, 'object')}, ${formatBytes(some.reduce((sum, { bytes: n }) => sum + n, 0))}`,
      );
  for (const { key, why } of removals) output.line(`  would remove ${key}: ${why}`);
  for (const { about, text } of left) output.line(`  not copied: ${about}: ${text}`);
  output.record({
    ...{ type: 'copy', set: pair.set.name, copy: pair.replica.name, dry_run: true },
    ...{ snapshots: covered, behind, objects: puts.length, bytes, left, removals },
  });
}

function showComparison(
  context: CliContext,
  pair: Pair,
  { behind }: CopyPlan,
  { objects, bytes, differing }: { objects: number; bytes: number; differing: readonly Remark[] },
): void {
  for (const { about, text } of differing)
    context.output.line(`PROBLEM  ${titleOf(pair)}: ${about}: ${text}`);
  if (differing.length > 0) context.exit('verification');
  else if (behind > 0) context.exit('incomplete');
  const lag = behind > 0 ? `; ${formatPlural(behind, 'snapshot')} behind` : '';
  context.output.line(
    `${titleOf(pair)}: ${formatPlural(objects, 'object')} (${formatBytes(bytes)}) compared, ${differing.length} differ${lag}`,
  );
  context.output.record({
    ...{ type: 'copy-check', set: pair.set.name, copy: pair.replica.name },
    ...{ objects, bytes, differing, behind },
  });
}
