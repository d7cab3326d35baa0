import * as openpgp from 'openpgp';

/**
 * The one set of OpenPGP options that holdfast uses, passed explicitly at every call.
 *
 * SEIPDv1 (no AEAD), because no released GnuPG reads version 2 packets; no compression, because content is
 * compressed by zstd before it gets here (and OpenPGP decompression is refused beyond 64 MiB when reading).
 */
export const PGP: openpgp.Config = {
  ...openpgp.config,
  preferredSymmetricAlgorithm: openpgp.enums.symmetric.aes256,
  preferredHashAlgorithm: openpgp.enums.hash.sha512,
  preferredCompressionAlgorithm: openpgp.enums.compression.uncompressed,
  aeadProtect: false,
  allowUnauthenticatedMessages: false,
  allowUnauthenticatedStream: false,
  minRSABits: 2048,
  maxDecompressedMessageSize: 64 * 1024 * 1024,
  showComment: false,
  showVersion: false,
};

/**
 * The date against which signatures are verified. A host whose clock ran ahead still made a valid signature:
 * what matters is that the key was valid when it signed, which the library checks by the signature's own time.
 */
export const VERIFY_DATE = new Date(Date.UTC(2200, 0, 1));

/** A date at which these keys may be used: now, or the birth of the youngest when the host's clock is behind it. */
export function signingDate(...keys: readonly openpgp.Key[]): Date {
  return new Date(Math.max(Date.now(), ...keys.map((key) => key.getCreationTime().getTime() + 1000)));
}

export { openpgp };
