/**
 * What a chain secret gives: ids, session keys and cut decisions, by HKDF-SHA256 (RFC 5869) with one label each.
 *
 * With h = SHA-256(plaintext), which is never stored: id = HMAC(k_id, h), cut to 16 bytes; session key =
 * HMAC(k_key, salt ‖ h) with 16 random bytes of salt for every segment. So equal plaintext is found again without
 * being able to decrypt, and a forgotten salt makes the key unreachable.
 */
import { hash, hkdfSync, randomBytes } from 'node:crypto';
import { HmacSha256 } from '../hmac.ts';

export const CHAIN_SECRET_BYTES = 32;
export const SALT_BYTES = 16;
const SEGMENT_ID_BYTES = 16;
const CUT_TABLE_ENTRIES = 256;

export class ChainKeys {
  readonly #id: HmacSha256;
  readonly #sessionKey: HmacSha256;
  /** 256 random 32-bit words for the cutter: keyed, so that segment lengths say nothing about known content. */
  readonly cutTable: Uint32Array;

  /** @param secret - 32 bytes, from the host's state folder only */
  constructor(secret: Uint8Array) {
    if (secret.byteLength !== CHAIN_SECRET_BYTES) throw new Error('a chain secret has 32 bytes');
    this.#id = new HmacSha256(derive(secret, 'holdfast/1 id', 32));
    this.#sessionKey = new HmacSha256(derive(secret, 'holdfast/1 key', 32));
    const cut = derive(secret, 'holdfast/1 cut', CUT_TABLE_ENTRIES * 4);
    this.cutTable = Uint32Array.from({ length: CUT_TABLE_ENTRIES }, (_, index) =>
      cut.readUInt32LE(index * 4),
    );
  }

  /** The id of a segment with this plaintext hash. */
  id(digest: Uint8Array): Buffer {
    return Buffer.from(this.#id.hex(digest), 'hex').subarray(0, SEGMENT_ID_BYTES);
  }

  /** The session key (32 bytes in hex, AES-256) of a segment with this plaintext hash under this salt. */
  sessionKey(salt: Uint8Array, digest: Uint8Array): string {
    return this.#sessionKey.hex(salt, digest);
  }
}

/** h: the hash of a segment's plaintext. It stays in memory. */
export function digestOf(plain: Uint8Array): Buffer {
  return hash('sha256', plain, 'buffer');
}

export function newSalt(): Buffer {
  return randomBytes(SALT_BYTES);
}

export function newChainSecret(): Buffer {
  return randomBytes(CHAIN_SECRET_BYTES);
}

function derive(secret: Uint8Array, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), label, bytes));
}
