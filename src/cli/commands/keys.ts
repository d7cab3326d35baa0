/** `holdfast keys`: which keys are in use, whether they are fit, and whom to believe. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { HoldfastError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { judgeKeys } from '../reporting/judged-keys.ts';
import type { KeyRow } from '../reporting/judged-keys.ts';
import { readerKeyFile, repeated } from '../options.ts';
import { openConfiguredStore, readConfiguredKeys } from '../wiring.ts';
import { readPrivateKeys } from './keys-private.ts';
import type { PrivateKeyFlags } from './keys-private.ts';
import { register as registerRecipients } from './keys-recipients.ts';
import { register as registerRotate } from './keys-rotate.ts';

export function register(program: Command, context: CliContext): void {
  const keys = program
    .command('keys')
    .description('recipients and signing keys')
    .usage('list|add|remove|rotate|check|trust')
    .helpCommand(false);
  keys
    .command('list')
    .description("list recipients and this host's signing key")
    .action(() => list(context));
  registerRecipients(keys, context);
  registerRotate(keys, context);
  keys
    .command('check')
    .description(
      'judge every key: able to encrypt or sign, not expired, revoked or weak; with private keys, prove that recipients can open',
    )
    .option('--key <FILE>', 'private key to prove; may be repeated (default: $HOLDFAST_KEY)', repeated, [])
    .option('--gpg', 'prove the keys of gpg and its agent')
    .action((flags: PrivateKeyFlags) => check(context, flags));
  keys
    .command('trust')
    .argument('<FINGERPRINT|FILE>', "a host's signing key, as the store or a file has it")
    .description('certify a host, so that every reader of this store believes its snapshots')
    .option('--key <FILE>', 'private key of a recipient (default: $HOLDFAST_KEY)')
    .action((which: string, flags: { key?: string }) => trust(context, which, flags));
}

async function list(context: CliContext): Promise<void> {
  const rows = await judgeKeys(await context.config());
  context.output.table(
    [
      { title: 'ROLE' },
      { title: 'FINGERPRINT' },
      { title: 'USER' },
      { title: 'ALGORITHM' },
      { title: 'EXPIRES' },
      { title: 'FILE' },
    ],
    rows.map((key) => [
      key.role,
      key.fingerprint,
      key.userId,
      key.algorithm,
      key.expires?.slice(0, 10) ?? 'never',
      key.file,
    ]),
  );
  for (const key of rows) context.output.record({ ...key, type: 'key' });
  context.output.summary({ keys: rows.length });
}

async function check(context: CliContext, flags: PrivateKeyFlags): Promise<void> {
  const rows = await judgeKeys(await context.config());
  const proofs = await prove(context, rows, flags);
  for (const [index, key] of rows.entries()) {
    const verdict = key.refusal ?? key.warning ?? 'fit';
    const proof = proofs[index];
    const word = key.refusal !== undefined ? 'UNFIT' : key.warning !== undefined ? 'SOON ' : 'OK   ';
    context.output.line(
      `${word} ${key.role} ${key.file} (${key.userId}): ${verdict}${proof === undefined ? '' : `, ${proof}`}`,
    );
    context.output.record({
      ...key,
      ...(proof !== undefined && { proven: proof !== NOT_PROVEN }),
      type: 'key',
    });
  }
  const unfit = rows.filter((key) => key.refusal !== undefined).length;
  if (unfit > 0) context.exit('noKey');
  context.output.summary({
    keys: rows.length,
    unfit,
    expiring: rows.filter((key) => key.warning !== undefined).length,
    proven: proofs.filter((proof) => proof !== undefined && proof !== NOT_PROVEN).length,
  });
}

const NOT_PROVEN = 'not proven: its private key was not given';

/** For each recipient that is fit: what has opened a message that was sealed to it alone. */
async function prove(
  context: CliContext,
  rows: readonly KeyRow[],
  flags: PrivateKeyFlags,
): Promise<(string | undefined)[]> {
  const { readPublicKey } = await import('../../openpgp/keys.ts');
  const { proveRecipients } = await import('../../rotate/canary.ts');
  const { openers } = await readPrivateKeys(context, flags);
  const fit = rows.filter(({ role, refusal }) => role === 'recipient' && refusal === undefined);
  const keys = await Promise.all(fit.map(({ file }) => readPublicKey(file)));
  const found = await proveRecipients(
    keys,
    openers.map(({ opener }) => opener),
  );
  return rows.map((row) => {
    const index = fit.indexOf(row);
    if (index === -1) return undefined;
    const opener = openers[found[index] ?? -1];
    return opener ? `proven: ${opener.name} opens what is sealed to it` : NOT_PROVEN;
  });
}

async function trust(context: CliContext, which: string, flags: { key?: string }): Promise<void> {
  const { certify, readPrivateKey, readPublicKey } = await import('../../openpgp/keys.ts');
  const { noPrivateKey } = await import('../../openpgp/errors.ts');
  const { putWriterKey, readWriterKeys } = await import('../../repository/store-header.ts');
  const { readPassphrase } = await import('../terminal/secrets.ts');
  const file = readerKeyFile(flags, context.env);
  if (file === undefined) throw noPrivateKey();
  const config = await context.config();
  const ask = () =>
    readPassphrase(context.env, { prompt: `Passphrase of ${file}:`, io: context.io, signal: context.signal });
  const certifier = await readPrivateKey(file, async () => (await ask())?.reveal());
  const { recipients } = await readConfiguredKeys(config);
  if (!recipients.some((key) => key.getFingerprint() === certifier.getFingerprint())) {
    throw new HoldfastError({
      code: 'NOT_A_RECIPIENT',
      exit: 'noKey',
      message: `${file} is not the private key of a recipient`,
      hint: 'Only recipients vouch for hosts; name one of their private keys.',
    });
  }
  const store = await openConfiguredStore(context, config);
  try {
    const wanted = which.replace(/\s/g, '').toLowerCase();
    const isFingerprint = /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(wanted);
    const found = isFingerprint
      ? (await readWriterKeys(store, context.signal)).keys.find((key) => key.getFingerprint() === wanted)
      : await readPublicKey(resolve(which));
    if (!found) {
      throw new HoldfastError({
        code: 'WRITER_UNKNOWN',
        exit: 'usage',
        message: `the store has no host key ${which}`,
        hint: 'Run `holdfast init` on that host first, or name the file of its public key.',
      });
    }
    await putWriterKey(store, await certify(found, certifier), context.signal);
    const fingerprint = found.getFingerprint();
    context.output.line(
      `${fingerprint} (${found.getUserIDs()[0] ?? ''}) is trusted now by every reader of ${store.url}`,
    );
    context.output.summary({ fingerprint });
  } finally {
    await store.close();
  }
}
