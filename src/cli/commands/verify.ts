/** `holdfast verify`: signatures, hash chain, packs; with --read-data every byte. */
import type { Command } from 'commander';
import { setsOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import { HoldfastError, isSurvivable } from '../../errors.ts';
import type { Session } from '../../repository/session.ts';
import type { Finding, VerifyOptions, VerifyReport } from '../../verify/verify.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural } from '../terminal/format.ts';
import { withCopy, withReaderKey } from '../options.ts';
import type { CopyOption, ReaderKeyOptions } from '../options.ts';
import { monitored } from '../monitors.ts';
import type { RunWatch } from '../monitors.ts';
import { withExamples } from '../program.ts';
import { openReader } from '../wiring.ts';
import type { OpenedSession } from '../wiring.ts';

interface VerifyFlags extends ReaderKeyOptions, CopyOption {
  readonly readData?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('verify [SET...]')
    .description('check signatures, the chain of snapshots, and that every pack is there')
    .option('--read-data', 'open every byte with the private key')
    .action((names: string[], flags: VerifyFlags) => verify(context, names, flags));
  withExamples(withCopy(withReaderKey(command)), [
    ['holdfast verify', 'what is public; needs no key'],
    ['holdfast verify shop --read-data --key ops.key', 'everything'],
  ]);
}

async function verify(context: CliContext, names: readonly string[], flags: VerifyFlags): Promise<void> {
  const { setsWith } = await import('../copies/copies.ts');
  const named = names.length > 0;
  const sets = setsWith(setsOf(await context.config(), names), { copy: flags.copy, named });
  const namesOf = sets.map(({ name }) => name);
  await monitored(context, 'verify', namesOf, async (watch) => {
    const results = await verifyAll(context, sets, named, flags);
    for (const name of namesOf) tellOf(watch, name, results, flags.copy);
    return conclude(context, results);
  });
}

async function verifyAll(
  context: CliContext,
  sets: readonly SetConfig[],
  named: boolean,
  flags: VerifyFlags,
): Promise<readonly Verified[]> {
  const { SegmentPool } = await import('../../segments/pool.ts');
  const { sessionsFor } = await import('../copies/copies.ts');
  const opener = flags.readData === true ? await openReader(context, flags) : undefined;
  const choice = { copy: flags.copy, named, more: opener?.certifiers ?? [] };
  await using pool = SegmentPool.forReading();
  const readData = opener && { opener, pool };
  const results: Verified[] = [];
  for await (const { opened, sets: some } of sessionsFor(context, sets, choice)) {
    results.push(await verifySets(context, opened.session, some, { readData, copy: flags.copy }));
    // Of the store itself are the copies: each is a place where something may be wrong that nobody sees.
    if (flags.copy === undefined) results.push(await verifyCopies(context, opened, some));
  }
  return results;
}

/** What is wrong with the store as a whole is wrong with every set in it. A copy that is well says nothing of the store. */
function tellOf(watch: RunWatch, set: string, results: readonly Verified[], copy: string | undefined): void {
  const own = results.flatMap(({ reports }) => reports).filter((report) => report.set === set);
  const ofSets = new Set(results.flatMap(({ reports }) => reports.flatMap(({ findings }) => findings)));
  const common = results
    .flatMap(({ findings }) => findings)
    .filter((one) => !ofSets.has(one) && (isOfCopy(one.about, set) || !/, copy /.test(one.about)));
  const bad = [...own.flatMap(({ findings }) => findings), ...common].filter(({ kind }) => kind !== 'note');
  const [first] = bad.toSorted((a, b) => Number(a.kind !== 'problem') - Number(b.kind !== 'problem'));
  const sound = own.reduce((sum, report) => sum + report.sound, 0);
  if (first === undefined && copy !== undefined) watch.partly(set, `its copy ${copy}`);
  else if (first === undefined) watch.succeeded(set, { figures: { sound_snapshots: sound } });
  else watch.failed(set, notSound(first, bad.length));
}

function isOfCopy(about: string, set: string): boolean {
  return about.startsWith(`${set}, copy `);
}

function notSound({ kind, about, text }: Finding, count: number): HoldfastError {
  const more = count > 1 ? ` (and ${count - 1} more)` : '';
  return new HoldfastError({
    code: kind === 'problem' ? 'VERIFY_PROBLEM' : 'VERIFY_UNCHECKED',
    exit: kind === 'problem' ? 'verification' : 'unverifiable',
    message: `${about}: ${text}${more}`,
    hint: 'Run holdfast verify by hand: it says all that was found.',
  });
}

interface Verified {
  readonly reports: readonly (VerifyReport & { readonly copy?: string })[];
  /** Of everything, those of the reports too. */
  readonly findings: readonly Finding[];
}

interface How {
  readonly readData: VerifyOptions['readData'];
  readonly copy: string | undefined;
}

/** The store as a whole, then set by set. */
async function verifySets(
  context: CliContext,
  session: Session,
  sets: readonly SetConfig[],
  { readData, copy }: How,
): Promise<Verified> {
  const { verifySet, verifyStore } = await import('../../verify/verify.ts');
  const task = context.progress.start('verifying');
  const onProgress = (bytes: number, what: string) => {
    task.add(bytes);
    task.say(what);
  };
  const reports: VerifyReport[] = [];
  const about = await verifyStore(session, context.signal);
  try {
    for (const { name: set } of sets) {
      const options = { session, set, readData, onProgress, isCopy: copy !== undefined };
      reports.push(await verifySet(options, context.signal));
    }
  } finally {
    task.end();
  }
  showFindings(context, about);
  for (const report of reports) show(context, report, copy);
  return {
    reports: reports.map((report) => ({ ...report, ...(copy !== undefined && { copy }) })),
    findings: [...about, ...reports.flatMap(({ findings }) => findings)],
  };
}

/** Every copy of the sets, by what is public. One that cannot be reached is not a pass. */
async function verifyCopies(
  context: CliContext,
  { session }: OpenedSession,
  sets: readonly SetConfig[],
): Promise<Verified> {
  const { openCopyOf } = await import('../copies/copies.ts');
  const reports: Verified['reports'][number][] = [];
  const findings: Finding[] = [];
  for (const set of sets) {
    for (const { name } of set.replicas) {
      const about = `${set.name}, copy ${name}`;
      try {
        await using copy = await openCopyOf(context, set, name, []);
        const found = await verifySets(context, copy.session, [set], { readData: undefined, copy: name });
        const lag = await lagOf(context, session, copy.session, set.name);
        const note = lag === undefined ? [] : [{ kind: 'note', about, text: lag } as const];
        showFindings(context, note, set.name);
        reports.push(...found.reports);
        findings.push(...found.findings, ...note);
      } catch (error) {
        if (!isSurvivable(error)) throw error;
        const kind = error.exit === 'verification' ? 'problem' : 'unchecked';
        const finding = { kind, about, text: error.message } as const;
        showFindings(context, [finding], set.name);
        findings.push(finding);
      }
    }
  }
  return { reports, findings };
}

/** How far a copy is behind; undefined when it is level. */
async function lagOf(
  { signal }: CliContext,
  source: Session,
  copy: Session,
  set: string,
): Promise<string | undefined> {
  const { readLevel } = await import('../../copy/read-level.ts');
  const { describeLevel } = await import('../../copy/level.ts');
  const level = await readLevel(source, copy, set, signal);
  return level.missing.length === 0 ? undefined : `${describeLevel(level)}; run: holdfast copy`;
}

const WORD = { problem: 'PROBLEM', unchecked: 'NOT CHECKED', note: 'note' } as const;

function showFindings({ output }: CliContext, findings: readonly Finding[], set?: string): void {
  for (const { kind, about, text } of findings) output.line(`${WORD[kind]}  ${about}: ${text}`);
  for (const finding of findings)
    output.record({ ...finding, type: 'finding', ...(set !== undefined && { set }) });
}

function show(context: CliContext, report: VerifyReport, copy: string | undefined): void {
  const { output } = context;
  showFindings(context, report.findings, report.set);
  const read =
    report.segments > 0
      ? `, ${formatPlural(report.segments, 'segment')} (${formatBytes(report.bytesRead)}) opened`
      : '';
  output.line(
    `${report.set}${copy === undefined ? '' : `, copy ${copy}`}: ${report.sound} of ${formatPlural(report.snapshots, 'snapshot')} sound, ${formatPlural(report.packs, 'pack')} present${read}`,
  );
}

/** Wrong beats could-not-be-checked, which beats fine. */
function conclude(context: CliContext, results: readonly Verified[]): Readonly<Record<string, unknown>> {
  const reports = results.flatMap((result) => result.reports);
  const findings = results.flatMap((result) => result.findings);
  if (findings.some(({ kind }) => kind === 'problem')) context.exit('verification');
  else if (findings.some(({ kind }) => kind === 'unchecked')) context.exit('unverifiable');
  return {
    sets: reports.map(({ findings: _findings, ...facts }) => facts),
    problems: findings.filter(({ kind }) => kind === 'problem').length,
    unchecked: findings.filter(({ kind }) => kind === 'unchecked').length,
  };
}
