/** Whose signature a message carries. */
import { reasonOf } from '../errors.ts';
import { badSignature } from './errors.ts';
import type { openpgp } from './library.ts';
import type { Trust } from './trust.ts';

/**
 * The trusted key that signed a message: exactly one has.
 * @throws HoldfastError SIGNATURE_BAD, SIGNER_NOT_TRUSTED
 */
export async function signerOf(
  signatures: openpgp.DecryptMessageResult['signatures'],
  trust: Trust,
  what: string,
): Promise<string> {
  const [only] = signatures;
  if (!only || signatures.length !== 1) throw badSignature(what, 'there is not exactly one signature');
  const signer = trust.keys.find((key) => key.getKeys(only.keyID).length > 0);
  if (!signer) return trust.key(only.keyID.toHex(), what).getFingerprint();
  try {
    await only.verified;
  } catch (cause) {
    throw badSignature(what, reasonOf(cause), cause);
  }
  return signer.getFingerprint();
}
