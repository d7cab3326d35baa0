/** HMAC-SHA-256 of short messages, many under one key. */
import { hash } from 'node:crypto';

const BLOCK = 64;
const MESSAGE_MAX = 64;

/**
 * HMAC-SHA-256 (RFC 2104) by its definition, with the padded key prepared once: it is asked for millions of times, and
 * node's createHmac makes a native object for each.
 */
export class HmacSha256 {
  readonly #inner = Buffer.alloc(BLOCK + MESSAGE_MAX);
  readonly #outer = Buffer.alloc(BLOCK + 32);

  /** @param key - at most 64 bytes */
  constructor(key: Uint8Array) {
    if (key.length > BLOCK) throw new RangeError('a longer key would have to be hashed');
    for (let i = 0; i < BLOCK; i++) {
      this.#inner[i] = (key[i] ?? 0) ^ 0x36;
      this.#outer[i] = (key[i] ?? 0) ^ 0x5c;
    }
  }

  /** @param parts - of the message, which has 64 bytes at most */
  hex(...parts: readonly Uint8Array[]): string {
    let end = BLOCK;
    for (const part of parts) {
      this.#inner.set(part, end);
      end += part.length;
    }
    this.#outer.set(hash('sha256', this.#inner.subarray(0, end), 'buffer'), BLOCK);
    return hash('sha256', this.#outer, 'hex');
  }
}
