/** Certifying hosts anew when the recipient who vouched for them leaves. */
import { certify, isCertifiedBy } from '../openpgp/keys.ts';
import type { openpgp } from '../openpgp/library.ts';
import type { Session } from '../repository/session.ts';
import { putWriterKey, readWriterKeys } from '../repository/store-header.ts';
import type { Store } from '../stores/store.ts';

/**
 * Certifies every host in the store that is trusted here and for which none of the recipients of today vouches.
 * @param signer - must be a recipient; nothing is done otherwise (a purge signer vouches for nobody)
 * @returns fingerprints of the hosts
 */
export async function vouchForHosts(
  session: Session<Store>,
  recipients: readonly openpgp.PublicKey[],
  signer: openpgp.PrivateKey,
  signal: AbortSignal,
): Promise<string[]> {
  if (!recipients.some((key) => key.getFingerprint() === signer.getFingerprint())) return [];
  const renewed: string[] = [];
  for (const host of (await readWriterKeys(session.store, signal)).keys) {
    const fingerprint = host.getFingerprint();
    if (!session.trust.has(fingerprint) || (await isCertifiedBy(host, recipients))) continue;
    await putWriterKey(session.store, await certify(host, signer), signal);
    renewed.push(fingerprint);
  }
  return renewed;
}
