/** Whoever carries out purges: the keys that open and sign, and files that only they may read. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { CliContext } from '../context.ts';
import { openConfiguredSession } from '../wiring.ts';
import type { OpenedSession } from '../wiring.ts';
import { readPrivate, readPrivateKeys } from './keys-private.ts';

/** Plaintext of manifests that is kept: they are opened to look, and again to write them anew. */
const OPENED_BYTES = 32 * 1024 * 1024;

export interface OfficerFlags {
  readonly key: readonly string[];
  readonly gpg?: boolean;
  readonly signWith?: string;
}

export interface Officer extends AsyncDisposable {
  readonly opened: OpenedSession;
  readonly opener: MessageOpener;
  readonly signer: openpgp.PrivateKey;
}

/**
 * Opens the store as somebody who may read and amend.
 * @throws HoldfastError NO_PRIVATE_KEY, SIGNER_NEEDED and what reading keys and opening the store throw
 */
export async function privacyOfficer(context: CliContext, flags: OfficerFlags): Promise<Officer> {
  const { firstThatOpens } = await import('../../rotate/openers.ts');
  const { openedOnce } = await import('../../openpgp/opened-once.ts');
  const { openers, keys } = await readPrivateKeys(context, flags);
  if (openers.length === 0) throw (await import('../../openpgp/errors.ts')).noPrivateKey();
  const opener = openedOnce(firstThatOpens(openers.map((one) => one.opener)), OPENED_BYTES);
  const signer = flags.signWith === undefined ? keys[0] : await readPrivate(context, resolve(flags.signWith));
  if (!signer) throw signerNeeded();
  const opened = await openConfiguredSession(context, opener.certifiers);
  return { opened, opener, signer, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() };
}

function signerNeeded(): HoldfastError {
  return new HoldfastError({
    code: 'SIGNER_NEEDED',
    exit: 'usage',
    message: 'gpg opens the manifests, and nothing is there to sign the new ones',
    hint: 'Name the private key of a recipient or of a purge signer with --sign-with FILE.',
  });
}

/** Writes a file that only this user may read; what is there is not written over. */
export async function writePrivate(file: string, bytes: Buffer | string): Promise<void> {
  try {
    await writeFile(file, bytes, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new HoldfastError({
      code: 'OUTPUT_NOT_WRITTEN',
      exit: 'usage',
      message: `cannot write ${file}: ${isThere ? 'it is there already' : reasonOf(error)}`,
      hint: 'Name a new file, in a folder that is there and that you may write to, with -o.',
      cause: error,
    });
  }
}
