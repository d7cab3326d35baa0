/** Making the sealed message, counted and hashed on its way, wherever it goes. */
import { createHash } from 'node:crypto';
import { throwIfCancelled } from '../errors.ts';
import type { openpgp } from '../openpgp/library.ts';
import { sealStream } from '../openpgp/seal-stream.ts';
import { nothingToSeal } from './errors.ts';

export interface Export {
  readonly plain: AsyncIterable<Uint8Array>;
  /** Of the export; goes into the message and nowhere else. Empty when it has none. */
  readonly filename: string;
  /** Nothing at all means that whatever should have written it has failed. */
  readonly mustHaveContent: boolean;
}

export interface SealedFacts {
  /** Of the sealed message. */
  readonly sha256: string;
  readonly bytes: number;
  readonly plainBytes: number;
}

export interface SealedMessage {
  readonly pieces: AsyncIterable<Uint8Array>;
  /** To be asked after the end of `pieces`. */
  facts(): SealedFacts;
}

const FILENAME_BYTES_MAX = 255;

/** @throws HoldfastError from `pieces`: SEAL_EMPTY, CANCELLED, and what the source throws */
export function sealedMessage(
  { plain, filename, mustHaveContent }: Export,
  recipients: readonly openpgp.PublicKey[],
  signer: openpgp.PrivateKey,
  onProgress: (plainBytes: number) => void,
  signal: AbortSignal,
): SealedMessage {
  const hash = createHash('sha256');
  let bytes = 0;
  let plainBytes = 0;
  let digest = '';
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of plain) {
      throwIfCancelled(signal);
      plainBytes += piece.length;
      onProgress(piece.length);
      yield piece;
    }
    if (mustHaveContent && plainBytes === 0) throw nothingToSeal();
  };
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of gathered(
      sealStream(counted(), { recipients, signer, filename: fitting(filename) }),
    )) {
      hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
    digest = hash.digest('hex');
  };
  return { pieces: pieces(), facts: () => ({ sha256: digest, bytes, plainBytes }) };
}

/** The packet has one byte for the length; a name that does not fit is of no use cut. */
function fitting(filename: string): string {
  return Buffer.byteLength(filename) <= FILENAME_BYTES_MAX ? filename : '';
}

const GATHERED_BYTES = 256 * 1024;

/** The library gives the parts of packets one by one, many of a few bytes. */
async function* gathered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    waiting.push(piece);
    bytes += piece.length;
    if (bytes < GATHERED_BYTES) continue;
    yield Buffer.concat(waiting);
    waiting = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(waiting);
}
