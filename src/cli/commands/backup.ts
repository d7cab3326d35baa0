/** `holdfast backup`: one snapshot of each set. */
import type { Command } from 'commander';
import { setsOf, signingKeyOf } from '../../config/config.ts';
import type { Config, SetConfig } from '../../config/config.ts';
import { isSurvivable } from '../../errors.ts';
import type { Hooks } from '../../backup/hooks.ts';
import type { Entry } from '../../repository/entry.ts';
import type { ParsedMap } from '../../subjects/parse.ts';
import type { CliContext } from '../context.ts';
import { tellFailure } from '../set-failure.ts';
import { formatBytes, formatCount, formatDuration, formatPlural } from '../terminal/format.ts';
import { monitored } from '../monitors.ts';
import type { RunWatch } from '../monitors.ts';
import { withExamples } from '../program.ts';
import { openConfiguredSession, openSource } from '../wiring.ts';
import type { OpenedSession } from '../wiring.ts';

interface BackupFlags {
  readonly full?: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('backup [SET...]')
    .description('dump, encrypt and store; all sets when none is named')
    .option('--full', 'start a new chain: share no segments with earlier snapshots')
    .action((names: string[], flags: BackupFlags) => backup(context, names, flags));
  withExamples(command, [
    ['holdfast backup', 'all sets, for cron'],
    ['holdfast backup shop --full', 'one set, as a full snapshot'],
  ]);
}

/** A set that fails does not keep the others from being backed up; its error decides the exit code. */
async function backup(context: CliContext, names: readonly string[], flags: BackupFlags): Promise<void> {
  const config = await context.config();
  const sets = setsOf(config, names);
  const namesOf = sets.map(({ name }) => name);
  await monitored(context, 'backup', namesOf, (watch) => backupSets(context, sets, flags, watch));
}

async function backupSets(
  context: CliContext,
  sets: readonly SetConfig[],
  flags: BackupFlags,
  watch: RunWatch,
): Promise<Readonly<Record<string, unknown>>> {
  await using opened = await openConfiguredSession(context);
  const keys = await readBackupKeys(context, opened);
  const failed: string[] = [];
  for (const set of sets) {
    try {
      const entry = await backupSet(context, opened, keys, set, flags);
      if (watch.tellsSuccess(set.name)) await lookAgain(context, opened, entry);
      watch.succeeded(set.name, aboutSnapshot(entry));
      if (set.expire === 'auto') await expireAfter(context, opened, set);
    } catch (error) {
      if (sets.length === 1 || !isSurvivable(error)) throw error;
      failed.push(set.name);
      watch.failed(set.name, error);
      tellFailure(context, { set: set.name }, error);
    }
  }
  return { sets: sets.length, failed };
}

/** Before anybody is told that all is well: what was written is read again. */
async function lookAgain(context: CliContext, { session }: OpenedSession, entry: Entry): Promise<void> {
  const { verifyCommitted } = await import('../../verify/committed.ts');
  const unchecked = await verifyCommitted(session, entry, context.signal);
  for (const text of unchecked) context.log.info('could not be checked', { set: entry.set, text });
}

function aboutSnapshot({ snapshot, end, counts }: Entry) {
  return {
    snapshot,
    figures: {
      read_bytes: counts.plain_bytes,
      new_bytes: counts.new_bytes,
      segments: counts.segments,
      new_segments: counts.new_segments,
      readable_until_timestamp_seconds: Math.floor(new Date(end).getTime() / 1000),
    },
  };
}

type BackupKeys = Awaited<ReturnType<typeof readBackupKeys>>;

/** Recipients are judged before any dump starts: a key that cannot encrypt must not be found out at the end. */
async function readBackupKeys({ output }: CliContext, { config, keys }: OpenedSession) {
  const { judgeRecipient, readSigningKey } = await import('../../openpgp/keys.ts');
  const { noRecipients, recipientUnfit } = await import('../../openpgp/errors.ts');
  if (keys.recipients.length === 0) throw noRecipients();
  for (const [index, key] of keys.recipients.entries()) {
    const verdict = await judgeRecipient(key, config.recipients[index] ?? '', new Date());
    if (verdict.refusal !== undefined) throw recipientUnfit(verdict.file, verdict.refusal);
    if (verdict.warning !== undefined) output.warn(`recipient key ${verdict.file} ${verdict.warning}`);
  }
  return { recipients: keys.recipients, signer: await readSigningKey(signingKeyOf(config)) };
}

async function backupSet(
  context: CliContext,
  { config, session }: OpenedSession,
  keys: BackupKeys,
  set: SetConfig,
  flags: BackupFlags,
): Promise<Entry> {
  const { runBackup } = await import('../../backup/backup.ts');
  const { output, progress } = context;
  const subjects = await readMapOf(config, set);
  let task = progress.start(`backing up ${set.name}`);
  try {
    const hooks = await hooksOf(context, config, set);
    const { entry, life, reason, afterFailed } = await runBackup(
      {
        ...keys,
        session,
        source: await openSource(config, set, context),
        set: set.name,
        writer: set.writer,
        policy: {
          keep: set.keep,
          fullEveryDays: set.fullEveryDays,
          ...(set.objectLock && { lock: set.objectLock }),
        },
        level: config.compressionLevel,
        full: flags.full === true,
        ...(subjects && { subjects }),
        ...(hooks && { hooks }),
        ...(set.onPurged && { onPurged: set.onPurged }),
        onStart: (info) => {
          task.end();
          task = progress.start(`backing up ${set.name}`, info.estimatedBytes);
        },
        onProgress: (bytes, stream) => {
          task.add(bytes);
          task.say(stream);
        },
        onWarning: (text) => output.warn(`set ${set.name}: ${text}`),
      },
      context.signal,
    );
    task.end();
    const { counts } = entry;
    if (!context.quiet)
      output.line(
        `${set.name}@${entry.snapshot}  ${entry.full ? 'full' : 'incremental'}  ${formatBytes(counts.plain_bytes)} read, ` +
          `${formatBytes(counts.new_bytes)} new (${formatCount(counts.new_segments)} of ${formatPlural(counts.segments, 'segment')}), ` +
          `${formatDuration(counts.duration_ms)}, readable until ${entry.end.slice(0, 10)}`,
      );
    const { packs: _packs, ...facts } = entry;
    output.record({ ...facts, type: 'snapshot', class: life.name, reason });
    if (afterFailed) throw afterFailed;
    return entry;
  } finally {
    task.end();
  }
}

/** What is to be run around the backup; what it prints is shown with -v, and its last lines when it fails. */
async function hooksOf(
  { env, log }: CliContext,
  { folder }: Config,
  { name, hooks }: SetConfig,
): Promise<Hooks | undefined> {
  if (hooks === undefined) return undefined;
  const { commandHooks } = await import('../../hooks/hooks.ts');
  const { before, after, timeoutSeconds } = hooks;
  const onLine = (line: string) => log.info(line, { set: name });
  return commandHooks({ set: name, before, after, timeoutSeconds, folder, env, onLine });
}

/** A map that is broken stops the backup before it begins: what is sealed into a snapshot must be of use later. */
async function readMapOf(config: Config, set: SetConfig): Promise<ParsedMap | undefined> {
  if (set.subjects === undefined) return undefined;
  const { readSubjectMap } = await import('../people/subject-map.ts');
  return (await readSubjectMap(config, set)).parsed;
}

/** The backup is made whatever becomes of this: what could not be removed now is said, and removed another day. */
async function expireAfter(context: CliContext, opened: OpenedSession, set: SetConfig): Promise<void> {
  // A bucket expires by itself, and a host may not delete there.
  if (opened.session.store.bucket !== undefined) return;
  const { expireSet, tellExpire } = await import('../expiring/expire.ts');
  const choices = { confirm: true, evenLast: false, trustClock: false, foldersOnly: true };
  try {
    const { outcomes, failures } = await expireSet(context, opened, set, choices);
    tellExpire(
      context,
      outcomes.filter(({ plan }) => plan.bytes > 0),
    );
    for (const { plan } of outcomes) {
      if (plan.refusal)
        context.output.warn(
          `set ${set.name}: nothing was expired: ${plan.refusal.reason}. ${plan.refusal.hint}`,
        );
    }
    for (const { copy, error } of failures)
      context.output.warn(
        `set ${set.name}, copy ${copy}: nothing was expired: ${error.message}. ${error.hint}`,
      );
    if (outcomes.every(({ plan }) => plan.refusal === undefined)) {
      const { expireSealed } = await import('../expiring/expire-sealed.ts');
      await expireSealed(context, opened, true);
    }
  } catch (error) {
    if (!isSurvivable(error)) throw error;
    context.output.warn(`set ${set.name}: nothing was expired: ${error.message}. ${error.hint}`);
  }
}
