/** Detached signatures of files, as `gpg --verify FILE.asc FILE` checks them. */
import { PGP, openpgp, signingDate } from './library.ts';

/** Signs bytes as they are (a binary signature, RFC 9580 section 5.2.1); armored. */
export async function signDetached(bytes: Uint8Array, signer: openpgp.PrivateKey): Promise<string> {
  const armored = await openpgp.sign({
    message: await openpgp.createMessage({ binary: new Uint8Array(bytes) }),
    signingKeys: signer,
    detached: true,
    date: signingDate(signer),
    config: PGP,
  });
  return armored;
}
