/** What `seal`, `unseal` and `support` share: who signs, for whom it is, and where it comes from. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { addAbortSignal } from 'node:stream';
import { InvalidArgumentError } from 'commander';
import type { Config } from '../../config/config.ts';
import { parseDays } from '../../config/duration.ts';
import { HoldfastError, isHoldfastError } from '../../errors.ts';
import type { openpgp } from '../../openpgp/library.ts';
import { KEEP_DAYS_MAX } from '../../repository/layout.ts';
import type { Author, Export } from '../../seal/seal.ts';
import type { CliContext } from '../context.ts';
import { readPrivateKeys } from '../commands/keys-private.ts';

/**
 * Who seals: this host with its signing key; a person with their own, on a machine that has none.
 * @throws HoldfastError NO_SEALER, and what reading the key throws
 */
export async function sealingAuthor(
  context: CliContext,
  config: Config,
  flags: { readonly key?: string },
): Promise<Author> {
  const { readSigningKey } = await import('../../openpgp/keys.ts');
  const { operatorName } = await import('../../repository/ledger-writer.ts');
  const [host] = config.sets.values();
  if (config.signingKey !== undefined && flags.key === undefined && host !== undefined)
    return { writer: host.writer, signer: await readSigningKey(config.signingKey) };
  const given = flags.key === undefined ? [] : [flags.key];
  const [signer] = (await readPrivateKeys(context, { key: given })).keys;
  if (signer === undefined) throw noSealer(config.file);
  return { writer: operatorName(signer), signer };
}

/**
 * For whom: everybody who can restore, and whom an option names in addition or instead.
 * @throws HoldfastError RECIPIENT_UNFIT, KEY_IS_PRIVATE, ONLY_WHOM
 */
export async function sealingRecipients(
  { output }: CliContext,
  config: Config,
  { recipient, only = false }: { readonly recipient: readonly string[]; readonly only?: boolean },
): Promise<openpgp.PublicKey[]> {
  const { judgeRecipient, readPublicKey } = await import('../../openpgp/keys.ts');
  const { recipientUnfit } = await import('../../openpgp/errors.ts');
  if (only && recipient.length === 0) throw onlyWhom();
  const files = [...(only ? [] : config.recipients), ...recipient.map((file) => resolve(file))];
  const keys = new Map<string, openpgp.PublicKey>();
  for (const file of files) {
    const key = await readPublicKey(file);
    const { refusal, warning, fingerprint } = await judgeRecipient(key, file, new Date());
    if (refusal !== undefined) throw recipientUnfit(file, refusal);
    if (warning !== undefined) output.warn(`recipient key ${file} ${warning}`);
    keys.set(fingerprint, key);
  }
  return [...keys.values()];
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * A file or, for `-`, what comes through stdin.
 * @throws HoldfastError SEAL_UNREADABLE
 */
export async function openExport(
  context: CliContext,
  name: string,
): Promise<Export & { readonly bytes: number | undefined }> {
  const { cannotReadInput } = await import('../../seal/errors.ts');
  if (name === '-') return { plain: stdinOf(context), filename: '', mustHaveContent: true, bytes: undefined };
  const path = resolve(name);
  const found = await stat(path).catch((cause: unknown) => {
    throw cannotReadInput(name, cause);
  });
  if (found.isDirectory()) throw cannotReadInput(name, 'it is a folder');
  const plain = readingFile(path, (cause) => cannotReadInput(name, cause));
  const bytes = found.isFile() ? found.size : undefined;
  return { plain, filename: basename(path), mustHaveContent: false, bytes };
}

/** Whatever comes through stdin, which may be nothing for hours: who cancels does not wait for it. */
export function stdinOf({ io, signal }: CliContext): AsyncIterable<Uint8Array> {
  return addAbortSignal(signal, io.stdin);
}

/** Opened when the first piece is asked for, so that what is never read is never opened. */
export async function* readingFile(
  path: string,
  toError: (cause: unknown) => HoldfastError,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path, { highWaterMark: CHUNK_BYTES })) yield piece as Buffer;
  } catch (cause) {
    throw isHoldfastError(cause) ? cause : toError(cause);
  }
}

/** Parser of `--ttl`. */
export function ttlDays(text: string): number {
  try {
    const days = parseDays(text);
    if (days <= KEEP_DAYS_MAX) return days;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    throw new InvalidArgumentError(error.hint);
  }
  throw new InvalidArgumentError(`It may be ${KEEP_DAYS_MAX}d at most.`);
}

const onlyWhom = () =>
  new HoldfastError({
    code: 'ONLY_WHOM',
    exit: 'usage',
    message: '--only leaves the configured recipients out, and no other is named',
    hint: 'Name public keys with --recipient KEYFILE.',
  });

const noSealer = (file: string) =>
  new HoldfastError({
    code: 'NO_SEALER',
    exit: 'noKey',
    message: `${file} names no signing_key, and no private key was given: nobody could tell who sealed it`,
    hint: 'Name the private key of a recipient with --key FILE, or run it on a host that backs up.',
  });
