/**
 * Whole OpenPGP messages of any size, in one pass and with little memory: what `seal` makes. They are what `gpg -es` makes:
 * PKESK packets, then SEIPD version 1 with an MDC around a signed literal (RFC 9580, sections 5.1 and 5.13.1), so stock gpg
 * opens them.
 */
import { randomBytes } from 'node:crypto';
import { PGP, openpgp, signingDate } from './library.ts';
import { piecesOf, streamOf, withoutErrors } from './web-streams.ts';

export interface SealStreamOptions {
  readonly recipients: readonly openpgp.PublicKey[];
  readonly signer: openpgp.PrivateKey;
  /** Goes into the message, where only recipients see it. At most 255 bytes. */
  readonly filename: string;
}

/** Seals what comes, as it comes. */
export async function* sealStream(
  plain: AsyncIterable<Uint8Array>,
  { recipients, signer, filename }: SealStreamOptions,
): AsyncGenerator<Uint8Array> {
  const source = withoutErrors(plain);
  const sealed = await openpgp.encrypt({
    message: await openpgp.createMessage({ binary: streamOf(source.pieces), filename }),
    encryptionKeys: [...recipients],
    sessionKey: { data: randomBytes(32), algorithm: 'aes256' },
    signingKeys: signer,
    date: signingDate(signer, ...recipients),
    format: 'binary',
    config: PGP,
  });
  yield* piecesOf(sealed, source.failure);
}
