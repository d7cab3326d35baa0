/** `holdfast drill`: restores a snapshot for real, looks at it, times it, throws it away, and signs what came of it. */
import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { setOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import type { DrillResult } from '../../drill/drill.ts';
import type { Picking } from '../../drill/pick.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { SnapshotName } from '../../restore/select.ts';
import type { SetView } from '../../restore/open.ts';
import type { CliContext } from '../context.ts';
import { showDrill } from '../reporting/drill-lines.ts';
import { monitored } from '../monitors.ts';
import type { RunWatch } from '../monitors.ts';
import { parseSnapshotName, repeated, wholeNumber } from '../options.ts';
import { withExamples } from '../program.ts';
import {
  openScratchInspector,
  openScratchLoader,
  openScratchSpace,
  readScratchSchema,
} from '../restoring/scratch.ts';
import { mapOfToday } from '../restoring/snapshot.ts';
import type { ConfiguredKeys, OpenedSession } from '../wiring.ts';
import { privacyOfficer } from './purge-keys.ts';
import type { Officer } from './purge-keys.ts';

const JOBS_DEFAULT = 2;

interface DrillFlags {
  readonly key: readonly string[];
  readonly gpg?: boolean;
  readonly signWith?: string;
  readonly random?: boolean;
  readonly all?: boolean;
  readonly scratch?: string;
  readonly jobs: number;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('drill')
    .argument('<SET[@WHEN]>', 'the snapshot; the latest when WHEN is left out', parseSnapshotName)
    .description('restore for real into a database that is thrown away, check it, time it, sign the evidence')
    .option('--random', 'any snapshot of the set, each as likely as the others')
    .option('--all', 'every snapshot of the set, the newest first')
    .option(
      '--scratch <URL>',
      'a PostgreSQL, MariaDB or MySQL server to restore into; without it, one is started here',
    )
    .option('-j, --jobs <N>', 'parallel sessions', wholeNumber(1, 64), JOBS_DEFAULT)
    .option(
      '--key <FILE>',
      'private key that opens, and signs (default: $HOLDFAST_KEY); may be repeated',
      repeated,
      [],
    )
    .option('--gpg', 'let gpg and its agent open it; then --sign-with is needed')
    .option('--sign-with <FILE>', 'private key of a recipient or of a purge signer (default: that of --key)')
    .action((name: SnapshotName, flags: DrillFlags) => {
      const chosen = [flags.random, flags.all, name.when !== 'latest'].filter((one) => one === true);
      if (chosen.length > 1) command.error('error: say one of @WHEN, --random and --all');
      return monitored(context, 'drill', [name.set], (watch) => drill(context, watch, name, flags));
    });
  withExamples(command, [
    ['holdfast drill shop --key ops.key', 'the latest, into a server that is started and stopped'],
    ['holdfast drill shop --random --key ops.key', 'from cron: any of them'],
  ]);
}

async function drill(
  context: CliContext,
  watch: RunWatch,
  name: SnapshotName,
  flags: DrillFlags,
): Promise<Readonly<Record<string, unknown>>> {
  const began = performance.now();
  const set = setOf(await context.config(), name.set);
  await using officer = await privacyOfficer(context, flags);
  await mustCount(officer.opened.keys, officer.signer);
  const { pickSnapshots } = await import('../../drill/pick.ts');
  const view = await readView(context, officer.opened, name);
  const picking = pickingOf(name, flags);
  const items = pickSnapshots(view.catalog.entries, name, { picking, now: view.now, dice: randomInt });
  const findMs = performance.now() - began;
  const results: DrillResult[] = [];
  for (const item of items)
    results.push(await drillOne(context, { officer, set, view, item, picking, findMs }, flags));
  const failed = results.filter(({ outcome }) => outcome === 'failed').length;
  const notRun = results.filter(({ outcome }) => outcome === 'not-run').length;
  if (failed > 0) context.exit('verification');
  else if (notRun > 0) context.exit('unverifiable');
  const counts = { verified: results.length - failed - notRun, failed, not_run: notRun };
  tell(watch, set.name, results);
  return { set: set.name, drilled: results.length, ...counts };
}

/** Monitors hear of the worst one; of several that went well, of the first. */
function tell(watch: RunWatch, set: string, results: readonly DrillResult[]): void {
  const bad = results.find(({ outcome }) => outcome === 'failed') ?? results.find(isBad);
  const [problem] = bad?.problems ?? [];
  if (bad && problem) {
    const exit = bad.outcome === 'failed' ? 'verification' : 'unverifiable';
    const message = `the drill of ${bad.snapshot}: ${problem.message}`;
    watch.failed(set, new HoldfastError({ ...problem, exit, message }));
    return;
  }
  const [best] = results;
  if (best === undefined) return;
  const { snapshot, rtoMs, rpoMs, loaded } = best;
  const figures = {
    rpo_seconds: rpoMs / 1000,
    ...(rtoMs !== undefined && { rto_seconds: rtoMs / 1000 }),
    ...(loaded && { rows: loaded.rows }),
  };
  watch.succeeded(set, { snapshot, figures });
}

function isBad({ outcome }: DrillResult): boolean {
  return outcome !== 'verified';
}

function pickingOf({ when }: SnapshotName, { random, all }: DrillFlags): Picking {
  if (random === true) return 'random';
  if (all === true) return 'all';
  return when === 'latest' ? 'newest' : 'named';
}

/** Also of former recipients, as every reader of the ledger decides it; never of a key that only this run was given. */
async function mustCount(
  { recipients, formerRecipients, purgeSigners }: ConfiguredKeys,
  signer: openpgp.PrivateKey,
): Promise<void> {
  const known = [...recipients, ...formerRecipients, ...purgeSigners].map((key) => key.getFingerprint());
  if (known.includes(signer.getFingerprint())) return;
  throw (await import('../../drill/errors.ts')).drillNotSigned(signer.getFingerprint());
}

/** All that a restore demands before it opens anything. */
async function readView(
  context: CliContext,
  { session }: OpenedSession,
  { set, when }: SnapshotName,
): Promise<SetView> {
  const open = await import('../../restore/open.ts');
  const view = await open.viewSet(session, set, false, context.signal);
  open.mustBeApplicable(view);
  open.mustKnowLatest(view, when);
  open.mustHoldAllThatWasSeen(view);
  for (const { key, error } of view.catalog.failures) context.output.warn(`${key}: ${reasonOf(error)}`);
  return view;
}

interface One {
  readonly officer: Officer;
  readonly set: SetConfig;
  readonly view: SetView;
  readonly item: CatalogEntry;
  readonly picking: Picking;
  readonly findMs: number;
}

async function drillOne(
  context: CliContext,
  { officer, set, view, item, picking, findMs }: One,
  { scratch: url, jobs }: DrillFlags,
): Promise<DrillResult> {
  const { drillSnapshot } = await import('../../drill/drill.ts');
  const { recordDrill } = await import('../../drill/evidence.ts');
  const { SegmentPool } = await import('../../segments/pool.ts');
  const { session, keys } = officer.opened;
  const recipients = keys.recipients.map((key) => key.getFingerprint());
  const task = context.progress.start(`drilling ${item.entry.snapshot}`, item.entry.counts.plain_bytes);
  await using pool = SegmentPool.forReading();
  try {
    const result = await drillSnapshot(
      {
        ...{ session, view, item, picking, pool, jobs, findMs },
        opener: officer.opener,
        byRecipient: officer.opener.certifiers.some((key) => recipients.includes(key.getFingerprint())),
        checks: set.checks ?? [],
        referencesTaken: set.brokenReferences,
        mapOfToday: () => mapOfToday(context, set),
        openScratch: (source) => openScratchSpace(context, source, url),
        openLoader: (source, target) => openScratchLoader(context, source, target, url),
        openInspector: (source, target, signal) =>
          openScratchInspector(context, source, { target, url }, signal),
        readSchema: (source, target, signal) => readScratchSchema(context, source, { target, url }, signal),
        onStep: (text) => task.say(text),
        onProgress: (bytes, what) => {
          task.add(bytes);
          task.say(what);
        },
      },
      context.signal,
    );
    task.end();
    const isQuiet = context.quiet && result.outcome === 'verified';
    if (!isQuiet) showDrill(context, result);
    const manifest = item.current?.sha256 ?? item.entry.manifest.sha256;
    const evidence = { result, manifest, signer: officer.signer };
    const { line, note: _, ...event } = await recordDrill(session, evidence, context.signal);
    if (!isQuiet)
      context.output.line(`evidence    line ${line.seq} of ${line.writer} in the ledger of ${set.name}`);
    const { problems, notes, checks: answers } = result;
    const ledger = { writer: line.writer, seq: line.seq };
    context.output.record({ ...event, set: set.name, problems, notes, answers, ledger });
    return result;
  } finally {
    task.end();
  }
}
