/** The private keys that a person names, for opening and for signing. */
import { resolve } from 'node:path';
import type { openpgp } from '../../openpgp/library.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import type { CliContext } from '../context.ts';
import { readConfiguredKeys } from '../wiring.ts';

export interface PrivateKeyFlags {
  readonly key: readonly string[];
  readonly gpg?: boolean;
}

/** The files of `--key`, else the one of HOLDFAST_KEY. Absolute. */
export function privateKeyFiles({ key, gpg }: PrivateKeyFlags, env: NodeJS.ProcessEnv): string[] {
  const other = env['HOLDFAST_KEY'];
  if (key.length > 0) return key.map((file) => resolve(file));
  return gpg === true || other === undefined || other === '' ? [] : [resolve(other)];
}

/** Reads a private key, asking for its passphrase. */
export async function readPrivate(context: CliContext, file: string): Promise<openpgp.PrivateKey> {
  const { readPrivateKey } = await import('../../openpgp/keys.ts');
  const { readPassphrase } = await import('../terminal/secrets.ts');
  const { env, io, signal } = context;
  const ask = () => readPassphrase(env, { prompt: `Passphrase of ${file}:`, io, signal });
  return readPrivateKey(file, async () => (await ask())?.reveal());
}

export interface PrivateKeys {
  /** One for each key file, and one for gpg; with what people call it. */
  readonly openers: readonly { readonly name: string; readonly opener: MessageOpener }[];
  /** Those that came from files, in their order. */
  readonly keys: readonly openpgp.PrivateKey[];
}

/** Everything that `--key`, `--gpg` and HOLDFAST_KEY name. */
export async function readPrivateKeys(context: CliContext, flags: PrivateKeyFlags): Promise<PrivateKeys> {
  const { KeyOpener } = await import('../../openpgp/message.ts');
  const keys: openpgp.PrivateKey[] = [];
  const openers: { name: string; opener: MessageOpener }[] = [];
  for (const file of privateKeyFiles(flags, context.env)) {
    const key = await readPrivate(context, file);
    keys.push(key);
    openers.push({ name: file, opener: new KeyOpener([key]) });
  }
  if (flags.gpg === true) {
    const { GpgOpener } = await import('../../openpgp/gpg.ts');
    const { recipients, formerRecipients } = await readConfiguredKeys(await context.config());
    openers.push({ name: 'gpg', opener: new GpgOpener([...recipients, ...formerRecipients], context.env) });
  }
  return { openers, keys };
}
