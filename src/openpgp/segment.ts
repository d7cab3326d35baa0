/**
 * One segment: zstd, then a bare OpenPGP SEIPDv1 packet (AES-256, no PKESK before it, exactly one uncompressed
 * literal data packet inside; RFC 9580 sections 5.13.1 and 5.9). Without its session key it is noise; with it,
 * `gpg --override-session-key 9:KEY -d | zstd -d` gives the plaintext.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { hash } from 'node:crypto';
import { reasonOf } from '../errors.ts';
import { damaged } from './errors.ts';
import { openPacket } from './packet.ts';
import { sealPlainPacket } from './plain-packet.ts';

/** No segment declares more plaintext than this: the bound that is set before anything is decompressed. */
export const SEGMENT_PLAIN_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Seals one segment.
 * @param key - 32 bytes, used for this segment only
 * @param level - zstd level, 1 to 19
 */
export function sealSegment(plain: Uint8Array, key: Uint8Array, level: number): Uint8Array {
  const compressed = zstdCompressSync(plain, {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_contentSizeFlag]: 1,
      [constants.ZSTD_c_checksumFlag]: 1,
    },
    pledgedSrcSize: plain.byteLength,
    chunkSize: PACKED_CHUNK_BYTES,
  });
  return sealPlainPacket(compressed, key);
}

/** Most segments come out in one piece of this size; node's default of 16 KiB costs 15 % of the time. */
const PACKED_CHUNK_BYTES = 64 * 1024;

/** The least that node's zlib takes. */
const CHUNK_BYTES_MIN = 64;

export interface SealedSegment {
  readonly sealed: Uint8Array;
  readonly key: Uint8Array;
  /** SHA-256 of `sealed`, hex: checked before decrypting. */
  readonly sha256: string;
  /** Exact bytes of plaintext. */
  readonly plainLength: number;
}

/**
 * Opens one segment.
 * @throws HoldfastError DAMAGED naming `what`, when anything differs from what was declared
 */
export async function openSegment(segment: SealedSegment, what: string): Promise<Buffer> {
  if (segment.plainLength > SEGMENT_PLAIN_BYTES_MAX)
    throw damaged(what, 'it declares more plaintext than allowed');
  if (hash('sha256', segment.sealed, 'hex') !== segment.sha256) throw damaged(what, 'its SHA-256 differs');
  try {
    const data = await openPacket(segment.sealed, segment.key);
    if (segment.plainLength === 0) return Buffer.alloc(0);
    const plain = zstdDecompressSync(data, {
      maxOutputLength: segment.plainLength,
      chunkSize: Math.max(segment.plainLength, CHUNK_BYTES_MIN),
    });
    if (plain.length !== segment.plainLength) throw new Error('its length differs from what was declared');
    return plain;
  } catch (cause) {
    throw damaged(what, reasonOf(cause), cause);
  }
}
