/** The keys that `init` makes or takes over. */
import { basename } from 'node:path';
import { generateHostKey, generateRecipientKey, judgeRecipient, readPublicKey } from '../openpgp/keys.ts';
import { recipientUnfit } from '../openpgp/errors.ts';
import type { openpgp } from '../openpgp/library.ts';

export interface Recipient {
  /** File name below keys/. */
  readonly file: string;
  readonly key: openpgp.PublicKey;
}

export interface InitKeys {
  readonly host: openpgp.PrivateKey;
  readonly recipients: readonly Recipient[];
  /** The new private key of the reader, unprotected; undefined when recipients were given. */
  readonly ops: openpgp.PrivateKey | undefined;
}

export interface MakeKeysOptions {
  /** The writer's name, for the host key's user id. */
  readonly writer: string;
  /** Public keys that were given. */
  readonly recipientFiles: readonly string[];
  /** Make a private key for the reader, too. */
  readonly makeOps: boolean;
}

/**
 * Makes the host's signing key and the reader's key, and judges the recipients that were given.
 * @throws HoldfastError RECIPIENT_UNFIT before anything is written
 */
export async function makeKeys(
  options: MakeKeysOptions,
): Promise<InitKeys & { readonly warnings: string[] }> {
  const warnings: string[] = [];
  const recipients: Recipient[] = [];
  for (const file of options.recipientFiles) {
    const key = await readPublicKey(file);
    const verdict = await judgeRecipient(key, file, new Date());
    if (verdict.refusal !== undefined) throw recipientUnfit(file, verdict.refusal);
    if (verdict.warning !== undefined) warnings.push(`recipient key ${file} ${verdict.warning}`);
    recipients.push({ file: uniqueName(file, recipients), key });
  }
  const ops = options.makeOps ? await generateRecipientKey('holdfast ops') : undefined;
  if (ops) recipients.push({ file: uniqueName('ops.asc', recipients), key: ops.toPublic() });
  const host = await generateHostKey(`holdfast host ${options.writer}`);
  return { host, recipients, ops, warnings };
}

function uniqueName(file: string, taken: readonly Recipient[]): string {
  const stem =
    basename(file)
      .replace(/\.(asc|gpg|pgp|key)$/i, '')
      .replace(/[^A-Za-z0-9._-]+/g, '-') || 'recipient';
  const names = new Set(taken.map((recipient) => recipient.file));
  for (let count = 1; ; count++) {
    const name = `${stem}${count === 1 ? '' : `-${count}`}.asc`;
    if (!names.has(name) && name !== 'host.asc') return name;
  }
}
