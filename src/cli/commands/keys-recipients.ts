/** `holdfast keys add` and `keys remove`: who can restore from now on, in the configuration. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HoldfastError } from '../../errors.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { CliContext } from '../context.ts';
import { repeated } from '../options.ts';
import { withExamples } from '../program.ts';
import { readConfiguredKeys } from '../wiring.ts';
import { privateKeyFiles, readPrivate } from './keys-private.ts';

const NEXT = 'holdfast keys rotate --key FILE';

export function register(keys: Command, context: CliContext): void {
  const adding = keys
    .command('add')
    .argument('<KEYFILE...>', 'public keys of people who should be able to restore')
    .description('add recipients to the configuration; the next snapshots are sealed to them, too')
    .action((files: string[]) => add(context, files));
  withExamples(adding, [
    ['holdfast keys add keys/new-ops.asc', 'from the next backup on'],
    [NEXT, 'and the snapshots that exist: run it afterwards'],
  ]);
  const removing = keys
    .command('remove')
    .argument('<FINGERPRINT|FILE>', 'a recipient, by fingerprint or by the file of its public key')
    .description(
      'take a recipient out of the configuration; snapshots stay readable for it until keys rotate',
    )
    .option(
      '--key <FILE>',
      'private key of a recipient who stays: shows that you do not lock yourself out',
      repeated,
      [],
    )
    .action((which: string, flags: { key: readonly string[] }) => remove(context, which, flags));
  withExamples(removing, [
    ['holdfast keys remove keys/old-ops.asc', 'no longer a recipient; goes to former_recipients'],
    [NEXT, 'then takes the snapshots that exist away from it'],
  ]);
}

async function add(context: CliContext, files: readonly string[]): Promise<void> {
  const { holdsPrivateKey, judgeRecipient, readPublicKey } = await import('../../openpgp/keys.ts');
  const { recipientUnfit } = await import('../../openpgp/errors.ts');
  const { editRecipientsFile } = await import('../../config/edit-recipients.ts');
  const config = await context.config();
  const { recipients, formerRecipients } = await readConfiguredKeys(config);
  const known = new Set(recipients.map((key) => key.getFingerprint()));
  const added: { readonly file: string; readonly fingerprint: string; readonly userId: string }[] = [];
  for (const file of new Set(files.map((name) => resolve(name)))) {
    if (await holdsPrivateKey(file)) throw privateKeyGiven(file);
    const key = await readPublicKey(file);
    const { refusal, warning, fingerprint, userId } = await judgeRecipient(key, file, new Date());
    if (refusal !== undefined) throw recipientUnfit(file, refusal);
    if (warning !== undefined) context.output.warn(`recipient key ${file} ${warning}`);
    if (known.has(fingerprint)) context.output.note(`${file} is a recipient already`);
    else added.push({ file, fingerprint, userId });
    known.add(fingerprint);
  }
  const back = config.formerRecipients.filter((_, index) =>
    added.some(({ fingerprint }) => fingerprint === formerRecipients[index]?.getFingerprint()),
  );
  const change = { add: added.map(({ file }) => file), remove: [], back };
  if (added.length > 0) await editRecipientsFile(config.file, config.folder, change);
  for (const { fingerprint, userId, file } of added) {
    context.output.line(`${fingerprint} (${userId}) is a recipient from the next backup on`);
    context.output.record({ type: 'key', role: 'recipient', change: 'added', fingerprint, userId, file });
  }
  if (added.length > 0) context.output.line(`For the snapshots that exist, run: ${NEXT}`);
  context.output.summary({ added: added.length });
}

async function remove(context: CliContext, which: string, flags: { key: readonly string[] }): Promise<void> {
  const { editRecipientsFile } = await import('../../config/edit-recipients.ts');
  const config = await context.config();
  const { recipients } = await readConfiguredKeys(config);
  const listed = recipients.map((key, index) => ({ key, file: config.recipients[index] ?? '' }));
  const fingerprint = await fingerprintOf(which);
  const leaving = listed.filter(
    ({ key, file }) => key.getFingerprint() === fingerprint || file === resolve(which),
  );
  const [gone] = leaving;
  if (!gone) throw notARecipient(which);
  const staying = listed.filter((one) => !leaving.includes(one)).map(({ key }) => key);
  if (staying.length === 0) throw lastRecipient(gone.file);
  await mustNotLockOut(context, flags, gone.key, staying);
  await editRecipientsFile(config.file, config.folder, { add: [], remove: leaving.map(({ file }) => file) });
  const [name, id] = [gone.key.getUserIDs()[0] ?? '', gone.key.getFingerprint()];
  const { output } = context;
  output.line(`${id} (${name}) is no recipient from the next backup on`);
  output.line(`It still opens the snapshots that exist. To take them away from it, run: ${NEXT}`);
  output.line('What it signed still counts: it is in former_recipients now.');
  output.record({
    type: 'key',
    role: 'recipient',
    change: 'removed',
    fingerprint: id,
    userId: name,
    file: gone.file,
  });
  output.summary({ removed: leaving.length, recipients: staying.length });
}

async function fingerprintOf(which: string): Promise<string | undefined> {
  const { readPublicKey } = await import('../../openpgp/keys.ts');
  const wanted = which.replace(/\s/g, '').toLowerCase();
  if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(wanted)) return wanted;
  return (await readPublicKey(resolve(which))).getFingerprint();
}

/** Whoever removes the key that is at hand has to show that another one opens what will be written. */
async function mustNotLockOut(
  context: CliContext,
  { key }: { key: readonly string[] },
  leaving: openpgp.PublicKey,
  staying: readonly openpgp.PublicKey[],
): Promise<void> {
  const files = privateKeyFiles({ key }, context.env);
  const fingerprints: string[] = [];
  for (const file of files) fingerprints.push((await readPrivate(context, file)).getFingerprint());
  if (
    files.length === 0 ||
    fingerprints.some((one) => staying.some((stays) => stays.getFingerprint() === one))
  )
    return;
  if (key.length > 0 || fingerprints.includes(leaving.getFingerprint())) throw ownOnlyKey(files[0] ?? '');
}

const privateKeyGiven = (file: string) =>
  new HoldfastError({
    code: 'KEY_IS_PRIVATE',
    exit: 'usage',
    message: `${file} holds a private key, which does not belong into a configuration`,
    hint: 'Give the public key: gpg --armor --export NAME > FILE. Keep private keys off hosts that back up.',
  });

const notARecipient = (which: string) =>
  new HoldfastError({
    code: 'NOT_A_RECIPIENT',
    exit: 'usage',
    message: `${which} is not one of the recipients`,
    hint: 'See who they are with: holdfast keys list',
  });

const lastRecipient = (file: string) =>
  new HoldfastError({
    code: 'LAST_RECIPIENT',
    exit: 'policy',
    message: `${file} is the last recipient: without one nobody could restore`,
    hint: 'Add another one first: holdfast keys add KEYFILE',
  });

const ownOnlyKey = (file: string) =>
  new HoldfastError({
    code: 'OWN_ONLY_KEY',
    exit: 'policy',
    message: `${file} is the only private key at hand, and no recipient would be left whom you can act for`,
    hint: 'Name the private key of a recipient who stays with --key FILE, or add one: holdfast keys add KEYFILE',
  });
