/** `holdfast status`: for monitors. One line per set, and the exit code says whether all is well. */
import type { Command } from 'commander';
import pLimit from 'p-limit';
import { setsOf } from '../../config/config.ts';
import { maskSecrets } from '../../config/secret.ts';
import { isHoldfastError } from '../../errors.ts';
import type { Session } from '../../repository/session.ts';
import type { StatusFinding } from '../../status/finding.ts';
import type { NagiosResult } from '../../status/nagios.ts';
import type { CliContext } from '../context.ts';
import { printable } from '../terminal/format.ts';
import { withExamples } from '../program.ts';
import { findingsOf, unsoundSet } from '../reporting/status-findings.ts';
import type { StatusFacts } from '../reporting/status-findings.ts';
import { openConfiguredSession } from '../wiring.ts';

const HOUR_MS = 3_600_000;
/** Each waits for the store several times; in the order of the configuration they are said. */
const SETS_AT_ONCE = 8;

interface StatusFlags {
  readonly nagios?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('status [SET...]')
    .description('age of the newest snapshot against what was promised; exits 1 when a set is late')
    .option('--nagios', 'as a plugin: exit code 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN, and performance data')
    .action((names: string[], flags: StatusFlags) =>
      flags.nagios === true ? plugin(context, names) : status(context, names),
    );
  withExamples(command, [
    ['holdfast status', 'a line for each set; --quiet: only for what is late'],
    ['holdfast status shop --nagios', 'for Nagios, Icinga, Checkmk'],
  ]);
}

async function status(context: CliContext, names: readonly string[]): Promise<void> {
  const { lateOf } = await import('../../status/finding.ts');
  const { output } = context;
  const findings: StatusFinding[] = [];
  let sets = 0;
  for await (const found of findingsBySet(context, names)) {
    sets++;
    findings.push(...found);
    for (const finding of found) show(context, finding);
  }
  const late = lateOf(findings);
  if (findings.some(({ unsound }) => unsound)) context.exit('verification');
  else if (late.length > 0) context.exit('failed');
  output.summary({ sets, late });
}

function show({ output, quiet }: CliContext, { ok, title, text, record }: StatusFinding): void {
  const word = ok ? output.paint('green', 'OK  ') : output.paint('red', 'LATE');
  if (!ok || !quiet) output.line(`${word} ${printable(`${title}: ${text}`)}`);
  output.record(record);
}

/** Plugins have exit codes of their own, and whatever goes wrong is a line on stdout: nobody reads their stderr. */
async function plugin(context: CliContext, names: readonly string[]): Promise<void> {
  const { NAGIOS_EXIT, nagiosOf, nagiosUnknown } = await import('../../status/nagios.ts');
  const tell = ({ state, lines }: NagiosResult): void => {
    for (const line of lines) context.output.line(printable(maskSecrets(line)));
    context.exit(NAGIOS_EXIT[state]);
  };
  try {
    const findings = (await Array.fromAsync(findingsBySet(context, names))).flat();
    tell(nagiosOf(findings));
    for (const { record } of findings) context.output.record(record);
  } catch (error) {
    if (!isHoldfastError(error)) throw error;
    tell(nagiosUnknown(`${error.message}. ${error.hint}`));
  }
}

async function* findingsBySet(
  context: CliContext,
  names: readonly string[],
): AsyncGenerator<readonly StatusFinding[]> {
  const { DEFAULT_BACKUP_EVERY_MS } = await import('../../status/status.ts');
  const config = await context.config();
  const sets = setsOf(config, names);
  await using opened = await openConfiguredSession(context);
  const { session } = opened;
  const now = await session.store.now(context.signal);
  const { backupEveryHours } = config.promises;
  const everyMs = backupEveryHours === undefined ? DEFAULT_BACKUP_EVERY_MS : backupEveryHours * HOUR_MS;
  const limit = pLimit({ concurrency: SETS_AT_ONCE, rejectOnClear: true });
  const pending = sets.map((set) =>
    limit(async () => {
      try {
        const read = await readSteady(session, set.name, context.signal);
        return await findingsOf(context, opened, set, { ...read, everyMs, now });
      } catch (error) {
        if (!isHoldfastError(error) || error.exit !== 'verification') throw error;
        return [unsoundSet(set.name, error)];
      }
    }),
  );
  // One that fails is heard of when it is its turn.
  const settled = Promise.allSettled(pending);
  try {
    for (const findings of pending) yield await findings;
  } finally {
    // The store is closed when nobody reads in it any more.
    limit.clearQueue();
    await settled;
  }
}

/** A manifest that seems to be gone may have been replaced between two reads, by a purge: then they are made again. */
async function readSteady(
  session: Session,
  set: string,
  signal: AbortSignal,
): Promise<Pick<StatusFacts, 'ledger' | 'entries' | 'damaged'>> {
  const { manifestTrouble, readCatalog } = await import('../../repository/catalog.ts');
  const { readLedger } = await import('../../repository/ledger.ts');
  const read = async () => {
    const ledger = await readLedger(session, set, signal);
    return { ledger, ...(await readCatalog(session, set, ledger, signal, { chained: true })) };
  };
  const first = await read();
  const isWhole = first.entries.every((item) => manifestTrouble(item) === undefined);
  const { ledger, entries, failures } = isWhole ? first : await read();
  return { ledger, entries, damaged: failures.length };
}
