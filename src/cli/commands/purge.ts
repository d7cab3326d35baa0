/** `holdfast purge`: takes people out of every snapshot that there is, with a receipt. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { setOf } from '../../config/config.ts';
import type { PlanReport } from '../../purge/plan.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural, printable } from '../format.ts';
import { repeated } from '../options.ts';
import { withExamples } from '../program.ts';
import { readSubjectMap } from '../subject-map.ts';
import { applyPlan, resumeSet } from './purge-apply.ts';
import type { ApplyFlags, ResumeFlags } from './purge-apply.ts';
import { privacyOfficer, writePrivate } from './purge-keys.ts';
import type { OfficerFlags } from './purge-keys.ts';
import { listRequests, verifyFile } from './purge-list.ts';

interface PlanFlags extends OfficerFlags {
  readonly subject: readonly string[];
  readonly wholeSet?: boolean;
  readonly ref?: string;
  readonly output: string;
}

export function register(program: Command, context: CliContext): void {
  const purge = program
    .command('purge')
    .description('take a person out of every backup, with a signed receipt')
    .usage('plan|apply|resume|verify|list')
    .helpCommand(false);
  registerPlan(purge, context);
  registerApply(purge, context);
  registerLooking(purge, context);
}

function registerPlan(purge: Command, context: CliContext): void {
  const plan = withOfficer(purge.command('plan <SET>'))
    .description('find somebody in all snapshots and say what would happen; nothing in the store is changed')
    .option('--subject <NAME=VALUE>', 'who: customer=42, email=a@b.c; may be repeated', repeated, [])
    .option('--whole-set', 'everything that the set has, for one database per customer')
    .option('--ref <TEXT>', 'ticket or letter, for ledger and receipt; it must not name the person')
    .requiredOption('-o, --output <FILE>', 'the plan, sealed and signed')
    .action((set: string, flags: PlanFlags) => {
      if ((flags.wholeSet === true) === flags.subject.length > 0)
        plan.error('error: say either whom (--subject) or --whole-set');
      return flags.wholeSet === true ? makeWholePlan(context, set, flags) : makePlan(context, set, flags);
    });
  withExamples(plan, [
    [
      'holdfast purge plan shop --subject customer=42 --ref TICKET-7 --key ops.key -o plan.pgp',
      'look, then apply it',
    ],
  ]);
}

function registerApply(purge: Command, context: CliContext): void {
  const changing = (command: Command) =>
    withOfficer(command)
      .option('--bypass-governance', 'remove old manifests although governance locks them')
      .option('--no-backup-running', 'no backup is under way: manifests without an entry go at once')
      .requiredOption('-o, --output <FILE>', 'the receipt; a page for people goes beside it, as FILE.md');
  const apply = changing(purge.command('apply <PLAN>'))
    .description('carry a plan out; may be interrupted and run again')
    .option('--yes', 'do not ask')
    .action((file: string, flags: ApplyFlags) => applyPlan(context, file, flags));
  withExamples(apply, [
    ['holdfast purge apply plan.pgp --key ops.key -o receipt.json', 'asks before it begins'],
  ]);
  changing(purge.command('resume <SET>'))
    .description('finish what was begun, also for snapshots of hosts that did not know of it')
    .option('--id <ID>', 'only this request, as purge list shows it')
    .action((set: string, flags: ResumeFlags) => resumeSet(context, set, flags));
}

function registerLooking(purge: Command, context: CliContext): void {
  purge
    .command('verify <RECEIPT>')
    .description('check the signature of a receipt, and the store against what it says')
    .option('--offline', 'the signature only')
    .action((file: string, flags: { offline?: boolean }) => verifyFile(context, file, flags));
  purge
    .command('list [SET...]')
    .description(
      'requests, what is left of them, and by when they were promised; exits 1 when one is overdue',
    )
    .action((names: string[]) => listRequests(context, names));
}

function withOfficer(command: Command): Command {
  return command
    .option(
      '--key <FILE>',
      'private key that opens the snapshots (default: $HOLDFAST_KEY); may be repeated',
      repeated,
      [],
    )
    .option('--gpg', 'let gpg and its agent open them; then --sign-with is needed')
    .option('--sign-with <FILE>', 'private key of a recipient or of a purge signer (default: that of --key)');
}

async function makePlan(context: CliContext, name: string, flags: PlanFlags): Promise<void> {
  const { planPurge } = await import('../../purge/plan.ts');
  const { sealPlan } = await import('../../purge/request.ts');
  const { namedSubject } = await import('../../subjects/named.ts');
  const { SegmentPool } = await import('../../segments/pool.ts');
  const set = setOf(await context.config(), name);
  await using officer = await privacyOfficer(context, flags);
  const { session, keys, config } = officer.opened;
  const { parsed } = await readSubjectMap(config, set);
  const { map } = parsed;
  const subjects = flags.subject.map((text) => namedSubject(map, text));
  const task = context.progress.start(`looking through ${name}`);
  await using pool = SegmentPool.forReading();
  const report = await planPurge(
    {
      ...{ session, set: name, opener: officer.opener, pool, subjects },
      ...{ map: map.text, subject: map.subject, ref: flags.ref },
      onProgress: (bytes, table) => {
        task.add(bytes);
        task.say(table);
      },
    },
    context.signal,
  ).finally(() => task.end());
  showPlan(context, report);
  const { problems, plan } = report;
  if (problems.length > 0) throw (await import('../../purge/errors.ts')).planRefused(name, problems);
  const file = resolve(flags.output);
  await writePrivate(file, await sealPlan(plan, keys.recipients, officer.signer));
  context.output.line(`wrote ${file}: carry it out with: holdfast purge apply ${flags.output}`);
  context.output.summary({ set: name, id: plan.id, plan: file, touched: report.touched });
}

async function makeWholePlan(context: CliContext, name: string, flags: PlanFlags): Promise<void> {
  const { planWhole } = await import('../../purge/plan.ts');
  const { sealPlan } = await import('../../purge/request.ts');
  const { output, signal } = context;
  const set = setOf(await context.config(), name);
  await using officer = await privacyOfficer(context, flags);
  const { session, keys } = officer.opened;
  const plan = await planWhole({ session, set: name, ref: flags.ref }, signal);
  output.line(
    `${name}: all ${formatPlural(plan.snapshots.length, 'snapshot')} and everything that they need`,
  );
  for (const { name: copy } of set.replicas) output.line(`${name}: and all of its copy ${copy}`);
  const file = resolve(flags.output);
  await writePrivate(file, await sealPlan(plan, keys.recipients, officer.signer));
  output.line(`wrote ${file}: carry it out with: holdfast purge apply ${flags.output}`);
  output.summary({ set: name, id: plan.id, plan: file, whole: true, snapshots: plan.snapshots.length });
}

function showPlan({ output }: CliContext, report: PlanReport): void {
  const { plan, problems, touched, ending, opened, replaced } = report;
  for (const { snapshot, tables } of plan.snapshots) {
    const parts = Object.entries(tables).map(
      ([table, { delete: gone, change, keep }]) =>
        `${printable(table)} ${[`${gone} deleted`, `${change} changed`, `${keep} kept`].filter((part) => !part.startsWith('0 ')).join(', ')}`,
    );
    output.line(`${snapshot}: ${parts.length === 0 ? 'not in it' : parts.join('; ')}`);
    output.record({ type: 'snapshot', set: plan.set, snapshot, tables });
  }
  for (const snapshot of ending) output.line(`${snapshot}: ends within the day, so it goes as a whole`);
  for (const problem of problems) output.line(`PROBLEM  ${printable(problem)}`);
  output.line(
    `${plan.set}: ${formatPlural(touched, 'snapshot')} of ${plan.snapshots.length} to write anew, ${formatPlural(replaced, 'segment')} to replace; ` +
      `opened ${opened.segments} of ${opened.all} segments (${formatBytes(opened.bytes)}); free text: not scanned`,
  );
  output.record({
    type: 'plan',
    set: plan.set,
    id: plan.id,
    touched,
    replaced,
    ending,
    problems,
    ...{ opened },
  });
}
