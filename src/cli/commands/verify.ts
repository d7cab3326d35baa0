/** `holdfast verify`: signatures, hash chain, packs; with --read-data every byte. */
import type { Command } from 'commander';
import { setsOf } from '../../config/config.ts';
import type { Finding, VerifyReport } from '../../verify/verify.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural } from '../format.ts';
import { withReaderKey } from '../options.ts';
import type { ReaderKeyOptions } from '../options.ts';
import { withExamples } from '../program.ts';
import { openConfiguredSession, openReader } from '../wiring.ts';

interface VerifyFlags extends ReaderKeyOptions {
  readonly readData?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('verify [SET...]')
    .description('check signatures, the chain of snapshots, and that every pack is there')
    .option('--read-data', 'open every byte with the private key')
    .action((names: string[], flags: VerifyFlags) => verify(context, names, flags));
  withExamples(withReaderKey(command), [
    ['holdfast verify', 'what is public; needs no key'],
    ['holdfast verify shop --read-data --key ops.key', 'everything'],
  ]);
}

async function verify(context: CliContext, names: readonly string[], flags: VerifyFlags): Promise<void> {
  const { verifySet, verifyStore } = await import('../../verify/verify.ts');
  const { SegmentPool } = await import('../../segments/pool.ts');
  const config = await context.config();
  const sets = setsOf(config, names);
  const opener = flags.readData === true ? await openReader(context, flags) : undefined;
  await using opened = await openConfiguredSession(context, opener?.certifiers);
  await using pool = SegmentPool.forReading();
  const task = context.progress.start('verifying');
  const reports: VerifyReport[] = [];
  const about = await verifyStore(opened.session, context.signal);
  try {
    for (const set of sets) {
      const options = {
        session: opened.session,
        set: set.name,
        readData: opener && { opener, pool },
        onProgress: (bytes: number, what: string) => {
          task.add(bytes);
          task.say(what);
        },
      };
      reports.push(await verifySet(options, context.signal));
    }
  } finally {
    task.end();
  }
  showFindings(context, about);
  for (const report of reports) show(context, report);
  conclude(context, reports, [...about, ...reports.flatMap(({ findings }) => findings)]);
}

const WORD = { problem: 'PROBLEM', unchecked: 'NOT CHECKED', note: 'note' } as const;

function showFindings({ output }: CliContext, findings: readonly Finding[], set?: string): void {
  for (const { kind, about, text } of findings) output.line(`${WORD[kind]}  ${about}: ${text}`);
  for (const finding of findings)
    output.record({ ...finding, type: 'finding', ...(set !== undefined && { set }) });
}

function show(context: CliContext, report: VerifyReport): void {
  const { output } = context;
  showFindings(context, report.findings, report.set);
  const read =
    report.segments > 0
      ? `, ${formatPlural(report.segments, 'segment')} (${formatBytes(report.bytesRead)}) opened`
      : '';
  output.line(
    `${report.set}: ${report.sound} of ${formatPlural(report.snapshots, 'snapshot')} sound, ${formatPlural(report.packs, 'pack')} present${read}`,
  );
}

/** Wrong beats could-not-be-checked, which beats fine. */
function conclude(context: CliContext, reports: readonly VerifyReport[], findings: readonly Finding[]): void {
  if (findings.some(({ kind }) => kind === 'problem')) context.exit('verification');
  else if (findings.some(({ kind }) => kind === 'unchecked')) context.exit('unverifiable');
  context.output.summary({
    sets: reports.map(({ findings: _findings, ...facts }) => facts),
    problems: findings.filter(({ kind }) => kind === 'problem').length,
    unchecked: findings.filter(({ kind }) => kind === 'unchecked').length,
  });
}
