/** `holdfast keys rotate`: the snapshots that exist, sealed to the recipients of today. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { setsOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import { HoldfastError, isHoldfastError } from '../../errors.ts';
import type { ExitReason } from '../../errors.ts';
import type { openpgp } from '../../openpgp/library.ts';
import { DAY_MS } from '../../repository/rules.ts';
import type { RotationReport } from '../../rotate/rotate.ts';
import type { CliContext } from '../context.ts';
import { tellFailure } from '../set-failure.ts';
import { repeated } from '../options.ts';
import { withExamples } from '../program.ts';
import { showLeft, showPlan, showReport } from '../reporting/rotation-lines.ts';
import { openConfiguredSession } from '../wiring.ts';
import type { ConfiguredKeys, OpenedSession } from '../wiring.ts';
import { readPrivate, readPrivateKeys } from './keys-private.ts';
import type { PrivateKeys } from './keys-private.ts';

interface RotateFlags {
  readonly key: readonly string[];
  readonly gpg?: boolean;
  readonly signWith?: string;
  readonly all?: boolean;
  readonly bypassGovernance?: boolean;
  readonly dryRun?: boolean;
}

const LIMITS = `
What this cannot take back: whoever had the old key may have read the backups already, and whoever has a copy of the
old manifests (of the bucket, of a disk) and the old key opens those snapshots until their packs are gone. Rotation
moves manifests only. If a key was stolen together with the store, make a full backup, and let what it opens expire.`;

export function register(keys: Command, context: CliContext): void {
  const command = keys
    .command('rotate')
    .argument('[SET...]')
    .description('seal the manifests of existing snapshots to the recipients of today; packs are not touched')
    .option(
      '--key <FILE>',
      'private key that opens the snapshots; may be repeated (default: $HOLDFAST_KEY)',
      repeated,
      [],
    )
    .option('--gpg', 'let gpg and its agent open them; then --sign-with is needed')
    .option(
      '--sign-with <FILE>',
      'private key of a recipient who stays or of a purge signer (default: that of --key)',
    )
    .option('--all', 'also what is sealed to these recipients already, e.g. for a new subkey')
    .option('--bypass-governance', 'remove old manifests although governance locks them')
    .option('--dry-run', 'show what would be done')
    .action((names: string[], flags: RotateFlags) => rotate(context, names, flags));
  command.addHelpText('after', LIMITS);
  withExamples(command, [
    ['holdfast keys rotate --key ops.key', 'all sets; may be interrupted and run again'],
    ['holdfast keys rotate shop --key old.key --sign-with new.key', 'when the old key leaves'],
  ]);
}

async function rotate(context: CliContext, names: readonly string[], flags: RotateFlags): Promise<void> {
  const config = await context.config();
  const sets = setsOf(config, names);
  const found = await readPrivateKeys(context, flags);
  if (found.openers.length === 0) throw (await import('../../openpgp/errors.ts')).noPrivateKey();
  const certifiers = found.openers.flatMap(({ opener }) => opener.certifiers);
  await using opened = await openConfiguredSession(context, certifiers);
  await mustBeFit(context, opened);
  const signer = await signerOf(context, flags, found, opened.keys);
  const reports: RotationReport[] = [];
  const failed: string[] = [];
  for (const set of sets) {
    try {
      if (flags.dryRun === true) await preview(context, opened, set, { flags, found });
      else reports.push(await rotateOne(context, opened, set, { flags, found, signer }));
    } catch (error) {
      if (sets.length === 1 || !isHoldfastError(error) || COMMON.has(error.exit)) throw error;
      failed.push(set.name);
      tellFailure(context, { set: set.name }, error);
    }
  }
  if (flags.dryRun !== true) await renewTrust(context, opened, signer);
  if (reports.some(({ complete }) => !complete)) context.exit('incomplete');
  context.output.summary({
    sets: reports.map(({ left: _left, stuck, unopened, ...facts }) => ({
      ...facts,
      unopened: unopened.length,
      stuck: stuck.length,
    })),
    failed,
    complete: failed.length === 0 && reports.every(({ complete }) => complete),
  });
}

/** What ends the run, since it is true of every set; anything else keeps no other set from being rotated. */
const COMMON: ReadonlySet<ExitReason> = new Set(['cancelled', 'usage']);

/** A recipient that cannot encrypt must not be found out half-way. */
async function mustBeFit({ output }: CliContext, { config, keys }: OpenedSession): Promise<void> {
  const { judgeRecipient } = await import('../../openpgp/keys.ts');
  const { noRecipients, recipientUnfit } = await import('../../openpgp/errors.ts');
  if (keys.recipients.length === 0) throw noRecipients();
  for (const [index, key] of keys.recipients.entries()) {
    const { file, refusal, warning } = await judgeRecipient(key, config.recipients[index] ?? '', new Date());
    if (refusal !== undefined) throw recipientUnfit(file, refusal);
    if (warning !== undefined) output.warn(`recipient key ${file} ${warning}`);
  }
}

/** `--sign-with`, else the first of the keys at hand that stays. */
async function signerOf(
  context: CliContext,
  { signWith }: RotateFlags,
  { keys }: PrivateKeys,
  { recipients, purgeSigners }: ConfiguredKeys,
): Promise<openpgp.PrivateKey> {
  if (signWith !== undefined) return readPrivate(context, resolve(signWith));
  const staying = new Set([...recipients, ...purgeSigners].map((key) => key.getFingerprint()));
  const signer = keys.find((key) => staying.has(key.getFingerprint())) ?? keys[0];
  if (signer) return signer;
  throw new HoldfastError({
    code: 'SIGNER_NEEDED',
    exit: 'usage',
    message: 'gpg opens the manifests, and nothing is there to sign the new ones',
    hint: 'Name the private key of a recipient or of a purge signer with --sign-with FILE.',
  });
}

async function preview(
  context: CliContext,
  { session, keys }: OpenedSession,
  set: SetConfig,
  { flags, found }: { flags: RotateFlags; found: PrivateKeys },
): Promise<void> {
  const { previewRotation } = await import('../../rotate/rotate.ts');
  const options = { session, set: set.name, recipients: keys.recipients, all: flags.all === true };
  const plan = await previewRotation(options, context.signal);
  showPlan(context, set.name, plan, keys.recipients.length);
  showLeft(context, set.name, plan.leave);
  // What gpg's agent and its cards can open is not known before they are asked.
  if (flags.gpg === true) return;
  const own = new Set(found.keys.map((key) => key.getFingerprint()));
  const closed = plan.reseal.filter(({ current }) => !current.recipients.some((one) => own.has(one)));
  const why = 'none of the keys at hand opens it';
  showLeft(
    context,
    set.name,
    closed.map(({ item }) => ({ snapshot: item.entry.snapshot, why })),
  );
}

async function rotateOne(
  context: CliContext,
  opened: OpenedSession,
  set: SetConfig,
  { flags, found, signer }: { flags: RotateFlags; found: PrivateKeys; signer: openpgp.PrivateKey },
): Promise<RotationReport> {
  const { rotateSet } = await import('../../rotate/rotate.ts');
  const { firstThatOpens } = await import('../../rotate/openers.ts');
  const { levelCopies } = await import('../copies/level-copies.ts');
  const { session, keys } = opened;
  const bypassGovernance = flags.bypassGovernance === true;
  const task = context.progress.start(`rotating ${set.name}`);
  try {
    const report = await rotateSet(
      {
        session,
        set: set.name,
        recipients: keys.recipients,
        opener: firstThatOpens(found.openers.map(({ opener }) => opener)),
        signer,
        purgeSigners: keys.purgeSigners,
        all: flags.all === true,
        bypassGovernance,
        lockFor: lockOf(set),
        levelCopies: (signal) =>
          levelCopies(context, opened, set, { bypassGovernance, underLease: true }, signal),
        onPlan: (plan) => showPlan(context, set.name, plan, keys.recipients.length),
        onProgress: ({ snapshot, bytes }) => {
          task.add(bytes);
          task.say(snapshot);
        },
      },
      context.signal,
    );
    showReport(context, report);
    // The line that ends the rotation: a copy that lacks it would pass for one that does not know of a purge.
    const behind = await levelCopies(
      context,
      opened,
      set,
      { bypassGovernance, underLease: false },
      context.signal,
    );
    for (const text of report.complete ? behind : []) context.output.warn(`${set.name}: ${text}`);
    return report;
  } finally {
    task.end();
  }
}

/** Manifests are locked by governance only, for the days that the set says. */
function lockOf({ objectLock }: SetConfig) {
  const days = objectLock?.manifestDays;
  return (now: Date) =>
    days === undefined
      ? undefined
      : { mode: 'governance' as const, until: new Date(now.getTime() + days * DAY_MS) };
}

/** Hosts that only a former recipient vouched for get the signer's word, so that the former key can be let go of. */
async function renewTrust(
  { output, signal }: CliContext,
  { session, keys }: OpenedSession,
  signer: openpgp.PrivateKey,
): Promise<void> {
  const { vouchForHosts } = await import('../../rotate/vouch.ts');
  const renewed = await vouchForHosts(session, keys.recipients, signer, signal);
  for (const fingerprint of renewed)
    output.line(`${fingerprint}: this host is vouched for by the signer now`);
}
