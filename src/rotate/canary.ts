/** Proof that a recipient can restore: something sealed to that key alone is opened with the private key at hand. */
import { randomBytes } from 'node:crypto';
import { generateHostKey } from '../openpgp/keys.ts';
import type { openpgp } from '../openpgp/library.ts';
import { MessageSealer } from '../openpgp/message.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import { Trust } from '../openpgp/trust.ts';
import { isHoldfastError } from '../errors.ts';

const CANARY_BYTES = 64;

/**
 * Tries each recipient with each opener.
 * @returns for each recipient the number of the opener that opened its canary; undefined: not proven
 */
export async function proveRecipients(
  recipients: readonly openpgp.PublicKey[],
  openers: readonly MessageOpener[],
): Promise<(number | undefined)[]> {
  // Nobody keeps this key: a canary is nobody's manifest.
  const signer = await generateHostKey('canary');
  const trust = new Trust([signer.toPublic()]);
  const proven: (number | undefined)[] = [];
  for (const recipient of recipients) {
    const plain = randomBytes(CANARY_BYTES);
    const sealed = await new MessageSealer([recipient], signer).seal(plain);
    const what = `a canary sealed to ${recipient.getFingerprint()}`;
    proven.push(await firstThatOpens(openers, sealed, plain, trust, what));
  }
  return proven;
}

async function firstThatOpens(
  openers: readonly MessageOpener[],
  sealed: Buffer,
  plain: Buffer,
  trust: Trust,
  what: string,
): Promise<number | undefined> {
  for (const [index, opener] of openers.entries()) {
    try {
      if ((await opener.open(sealed, trust, what)).plain.equals(plain)) return index;
    } catch (error) {
      // Another key, or none in the key ring: not proven, which is an answer and no failure.
      if (isHoldfastError(error) && error.exit === 'noKey') continue;
      throw error;
    }
  }
  return undefined;
}
