/** Opening OpenPGP messages of any size, in one pass and with little memory: what `seal` and `gpg -es` make. */
import { HoldfastError, reasonOf } from '../errors.ts';
import { damaged } from './errors.ts';
import { PGP, VERIFY_DATE, openpgp } from './library.ts';
import type { MessageSecret, StreamOpener } from './message.ts';
import { contentOf, sealedDataOf } from './sealed-data.ts';
import { signerOf } from './signer.ts';
import type { Trust } from './trust.ts';
import { piecesOf, streamOf, withoutErrors } from './web-streams.ts';

export interface OpenedStream {
  /** As the sealer wrote it; empty when it came from a pipe. Not to be believed before `plain` has ended well. */
  readonly filename: string;
  /**
   * The plaintext, given out before it is known to be whole: **whoever takes it must throw it away when this throws**.
   * It ends well only after the MDC held and the one signature was good.
   */
  readonly plain: AsyncIterable<Uint8Array>;
  /** Fingerprint of the trusted key that signed it; call it after the end of `plain`. */
  signer(): string;
}

/** Enough of the beginning to hold the PKESK packets of some hundred recipients. */
const HEAD_BYTES = 64 * 1024;

/**
 * Opens a sealed stream.
 * @param what - names it in errors
 * @throws HoldfastError KEY_DOES_NOT_OPEN, GPG_FAILED, DAMAGED; `plain` throws DAMAGED, SIGNATURE_BAD, SIGNER_NOT_TRUSTED
 */
export async function openStream(
  sealed: AsyncIterable<Uint8Array>,
  opener: StreamOpener,
  trust: Trust,
  what: string,
): Promise<OpenedStream> {
  const { head, all } = await withHead(sealed, HEAD_BYTES);
  try {
    const source = withoutErrors(all);
    const reading = openpgp.readMessage({ binaryMessage: streamOf(source.pieces), config: PGP });
    const message = await Promise.race([reading, source.failure]);
    mustBeSealed(message, what);
    const secret = await opener.secretFor(message, head, what);
    const { signatures, data, filename, failure } = await verifying(message, secret, trust, source.failure);
    for (const { verified, signature } of signatures)
      for (const promise of [verified, signature]) void promise.catch(() => undefined);
    let signer = '';
    const plain = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* piecesOf(data, failure);
      } catch (cause) {
        throw asDamage(cause, what);
      }
      signer = await signerOf(signatures, trust, what);
    };
    return { filename: givenName(filename), plain: plain(), signer: () => signer };
  } catch (cause) {
    throw asDamage(cause, what);
  }
}

/** Of bytes that are no message the library skips what it does not know, and then no key would seem to fit. */
function mustBeSealed({ packets }: Pick<openpgp.Message<Uint8Array>, 'packets'>, what: string): void {
  const { publicKeyEncryptedSessionKey, symEncryptedSessionKey } = openpgp.enums.packet;
  if (packets.filterByTag(publicKeyEncryptedSessionKey, symEncryptedSessionKey).length > 0) return;
  throw damaged(what, 'it does not begin as a sealed message does');
}

function asDamage(cause: unknown, what: string): HoldfastError {
  return cause instanceof HoldfastError ? cause : damaged(what, reasonOf(cause), cause);
}

/** What a message says, while its signatures are being verified. */
interface Verifying {
  readonly signatures: openpgp.DecryptMessageResult['signatures'];
  readonly data: unknown;
  readonly filename: unknown;
  /** As of `withoutErrors`. */
  readonly failure: Promise<never>;
}

async function verifying(
  message: openpgp.Message<openpgp.WebStream<Uint8Array>>,
  secret: MessageSecret,
  { keys: verificationKeys }: Trust,
  failure: Promise<never>,
): Promise<Verifying> {
  const options = { verificationKeys, date: VERIFY_DATE, format: 'binary', config: PGP } as const;
  const sessionKeys = await sessionKeysOf(message, secret);
  const [key, second] = sessionKeys;
  const sealed = key && second === undefined ? sealedDataOf(message, key) : undefined;
  if (key === undefined || sealed === undefined) {
    // Rare forms (older ciphers, version 2): what is not authenticated piece by piece is read as a whole first.
    const { signatures, data, filename } = await openpgp.decrypt({ ...options, message, sessionKeys });
    return { signatures, data, filename, failure };
  }
  const inside = withoutErrors(contentOf(toTheEnd(message, sealed, failure), key));
  const reading = openpgp.readMessage({ binaryMessage: streamOf(inside.pieces), config: PGP });
  const content = await Promise.race([reading, inside.failure]);
  const { signatures, data } = await openpgp.verify({ ...options, message: content });
  return { signatures, data, filename: content.getFilename(), failure: inside.failure };
}

async function sessionKeysOf(
  message: openpgp.Message<openpgp.WebStream<Uint8Array>>,
  secret: MessageSecret,
): Promise<openpgp.SessionKey[]> {
  if ('sessionKeys' in secret) return secret.sessionKeys;
  const keys = await openpgp.decryptSessionKeys({ ...secret, message, date: VERIFY_DATE, config: PGP });
  return keys as openpgp.SessionKey[];
}

/** The sealed bytes, and behind them nothing: the library throws at what may not stand there. */
async function* toTheEnd(
  { packets }: Pick<openpgp.Message<Uint8Array>, 'packets'>,
  sealed: unknown,
  failure: Promise<never>,
): AsyncGenerator<Uint8Array> {
  yield* piecesOf(sealed, failure);
  const { stream } = packets as { stream?: unknown };
  for await (const packet of piecesOf(stream, failure))
    throw new Error(`something is behind it (${packet.constructor.name})`);
}

/** gpg writes `_CONSOLE` where nobody may see it, and this library `msg.txt` where there is none. */
function givenName(filename: unknown): string {
  return typeof filename === 'string' && !['msg.txt', '_CONSOLE'].includes(filename) ? filename : '';
}

/** The first bytes, and everything again from the beginning. */
async function withHead(
  sealed: AsyncIterable<Uint8Array>,
  bytes: number,
): Promise<{ readonly head: Buffer; readonly all: AsyncIterable<Uint8Array> }> {
  const iterator = sealed[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  for (let length = 0; length < bytes; length += pieces.at(-1)?.length ?? 0) {
    const next = await iterator.next();
    if (next.done === true) break;
    pieces.push(next.value);
  }
  const all = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next())
        yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  return { head: Buffer.concat(pieces).subarray(0, bytes), all: all() };
}
