/**
 * Whole OpenPGP messages of any size, in one pass and with little memory: what `seal` makes and `unseal` opens. They are
 * what `gpg -es` makes: PKESK packets, then SEIPD version 1 with an MDC around a signed literal (RFC 9580, sections 5.1 and
 * 5.13.1), so stock gpg opens them.
 */
import { randomBytes } from 'node:crypto';
import { ReadableStream } from 'node:stream/web';
import { HoldfastError, reasonOf } from '../errors.ts';
import { damaged } from './errors.ts';
import { PGP, VERIFY_DATE, openpgp, signingDate } from './library.ts';
import type { StreamOpener } from './message.ts';
import { signerOf } from './signer.ts';
import type { Trust } from './trust.ts';

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

/**
 * An error within its stream makes the library reject promises that nobody can see. So its source fails beside it: it gets no
 * more pieces, and whoever reads what it makes hears of the failure.
 */
function withoutErrors(pieces: AsyncIterable<Uint8Array>): {
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Never fulfilled; rejects with what `pieces` threw. */
  readonly failure: Promise<never>;
} {
  const { promise: failure, reject } = Promise.withResolvers<never>();
  failure.catch(() => undefined);
  const guarded = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces;
    } catch (error) {
      reject(error);
      await new Promise<never>(() => undefined);
    }
  };
  return { pieces: guarded(), failure };
}

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
    const result = await openpgp.decrypt({
      ...secret,
      message,
      verificationKeys: trust.keys,
      date: VERIFY_DATE,
      format: 'binary',
      // The whole of it would have to lie in memory otherwise; `plain` says what its taker has to do.
      config: { ...PGP, allowUnauthenticatedStream: true },
    });
    const { signatures } = result;
    for (const { verified, signature } of signatures)
      for (const promise of [verified, signature]) void promise.catch(() => undefined);
    let signer = '';
    const plain = async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield* piecesOf(result.data, source.failure);
      } catch (cause) {
        throw asDamage(cause, what);
      }
      signer = await signerOf(signatures, trust, what);
    };
    return { filename: filenameOf(result), plain: plain(), signer: () => signer };
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

/** gpg writes `_CONSOLE` where nobody may see it, and this library `msg.txt` where there is none. */
function filenameOf({ filename }: object & { readonly filename?: unknown }): string {
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

/** The library takes streams of plain Uint8Arrays only: it copies what is a Buffer. */
function streamOf(pieces: AsyncIterable<Uint8Array>): openpgp.WebStream<Uint8Array> {
  const plain = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces)
      if (piece.length > 0) yield new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength);
  };
  return ReadableStream.from(plain()) as unknown as openpgp.WebStream<Uint8Array>;
}

/** Reads to the end, or to the failure of the source; whoever stops before it stops the source as well. */
async function* piecesOf(stream: unknown, failure: Promise<never>): AsyncGenerator<Uint8Array> {
  const reader = (stream as ReadableStream<Uint8Array>).getReader();
  let isRunning = true;
  // A read that waits ends by this. A race of each read with one promise would keep all of them in memory.
  failure.catch(() => reader.releaseLock());
  try {
    for (;;) {
      const next = await reader.read();
      if (next.done) isRunning = false;
      if (next.done) return;
      yield next.value;
    }
  } catch (error) {
    isRunning = false;
    await Promise.race([failure, Promise.resolve()]);
    throw error;
  } finally {
    // Not waited for: a source may be silent for ever.
    if (isRunning) void reader.cancel().catch(() => undefined);
  }
}
