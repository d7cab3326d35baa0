/**
 * The one form of a sealed packet that segments have, by the cipher of the platform: two to three times as fast as the
 * library, which matters where there are millions. Opening gives an answer only when everything is as it should be; for
 * all else the library is asked, which knows every form and says what is wrong.
 *
 * A sealed packet (RFC 9580, section 5.13.1): tag 18, version 1, then AES-256 in CFB mode with an IV of zeros over 16
 * random bytes, the last two of them again, one literal packet (section 5.9), and D3 14 with the SHA-1 of all before it.
 */
import { createCipheriv, createDecipheriv, hash, randomFillSync, timingSafeEqual } from 'node:crypto';

const SEALED = 0xc0 | 18;
const LITERAL = 0xc0 | 11;
const BINARY = 0x62;
export const PREFIX_BYTES = 18;
export const MDC_BYTES = 22;
export const MDC_HEAD = Buffer.from([0xd3, 0x14]);
const VERSION = Buffer.from([1]);
const NO_IV = Buffer.alloc(16);
/** A literal packet's format, empty name, and a date: a constant one says nothing about the run. */
const LITERAL_HEAD = Buffer.from([BINARY, 0, 0, 0, 0, 0]);

/**
 * Seals one packet around exactly one uncompressed literal packet.
 * @param key - 32 bytes
 */
export function sealPlainPacket(content: Uint8Array, key: Uint8Array): Uint8Array {
  const literal = headOf(LITERAL, LITERAL_HEAD.length + content.length);
  const start = PREFIX_BYTES + literal.length + LITERAL_HEAD.length;
  const end = start + content.length;
  const plain = Buffer.allocUnsafeSlow(end + MDC_BYTES);
  randomFillSync(plain, 0, PREFIX_BYTES - 2);
  plain.copyWithin(PREFIX_BYTES - 2, PREFIX_BYTES - 4, PREFIX_BYTES - 2);
  plain.set(literal, PREFIX_BYTES);
  plain.set(LITERAL_HEAD, start - LITERAL_HEAD.length);
  plain.set(content, start);
  plain.set(MDC_HEAD, end);
  plain.set(hash('sha1', plain.subarray(0, end + MDC_HEAD.length), 'buffer'), end + MDC_HEAD.length);
  const sealed = createCipheriv('aes-256-cfb', key, NO_IV).update(plain);
  return Buffer.concat([headOf(SEALED, 1 + sealed.length), VERSION, sealed]);
}

/** Tag and length of a packet (RFC 9580, section 4.2.1). */
function headOf(tag: number, length: number): Buffer {
  if (length < 192) return Buffer.from([tag, length]);
  if (length < 8384) return Buffer.from([tag, ((length - 192) >> 8) + 192, (length - 192) & 255]);
  const head = Buffer.from([tag, 255, 0, 0, 0, 0]);
  head.writeUInt32BE(length, 2);
  return head;
}

/**
 * The content of a sealed packet.
 * @param key - 32 bytes
 * @returns undefined for anything that is not exactly of this form, or is damaged
 */
export function openPlainPacket(bytes: Uint8Array, key: Uint8Array): Uint8Array | undefined {
  const body = bodyOf(bytes, SEALED);
  if (body?.[0] !== 1 || body.length < 1 + PREFIX_BYTES + MDC_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-cfb', key, NO_IV);
  const plain = decipher.update(body.subarray(1));
  if (plain.length !== body.length - 1) return undefined;
  const mdc = plain.length - MDC_BYTES;
  const isWhole =
    plain[14] === plain[16] && plain[15] === plain[17] && plain[mdc] === 0xd3 && plain[mdc + 1] === 0x14;
  if (!isWhole) return undefined;
  const digest = hash('sha1', plain.subarray(0, mdc + 2), 'buffer');
  if (!timingSafeEqual(digest, plain.subarray(mdc + 2))) return undefined;
  const literal = bodyOf(plain.subarray(PREFIX_BYTES, mdc), LITERAL);
  const nameBytes = literal?.[1];
  if (literal?.[0] !== BINARY || nameBytes === undefined) return undefined;
  const head = 2 + nameBytes + 4;
  return literal.length < head ? undefined : literal.subarray(head);
}

/** What is inside the only packet of these bytes, when its length is written at once (RFC 9580, section 4.2.1). */
function bodyOf(bytes: Uint8Array, tag: number): Uint8Array | undefined {
  const [first, one = 256, two = 0, three = 0, four = 0, five = 0] = bytes;
  if (first !== tag) return undefined;
  let start = 2;
  let length = one;
  if (one >= 192 && one < 224) {
    start = 3;
    length = (one - 192) * 256 + two + 192;
  } else if (one === 255) {
    start = 6;
    length = two * 2 ** 24 + three * 2 ** 16 + four * 256 + five;
  } else if (one >= 224) return undefined;
  return bytes.length === start + length ? bytes.subarray(start) : undefined;
}
