/**
 * What is inside a sealed packet of any size, as it comes. The library can do this as well, but of some damage it waits for
 * ever: it goes on to fill a stream of the first packet that it could not read, and nobody takes from that.
 *
 * A sealed packet of version 1 (RFC 9580, section 5.13.1): the cipher in CFB mode with an IV of zeros over 16 random bytes,
 * the last two of them again, packets, and D3 14 with the SHA-1 of all before it.
 */
import { createDecipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { openpgp } from './library.ts';
import { MDC_BYTES, MDC_HEAD, PREFIX_BYTES } from './plain-packet.ts';

/** A key for the cipher of one sealed packet. */
export type PacketKey = Pick<openpgp.SessionKey, 'data' | 'algorithm'>;

/** Parts of the library's packet and list of packets that its type declarations leave out. */
interface Streaming {
  readonly encrypted: unknown;
  readonly version: number;
}

const CIPHERS: Partial<Record<string, string>> = {
  aes128: 'aes-128-cfb',
  aes192: 'aes-192-cfb',
  aes256: 'aes-256-cfb',
};
const BLOCK_BYTES = 16;

/** The sealed bytes of a message; undefined when it is of another form than `contentOf` opens. */
export function sealedDataOf(message: Pick<openpgp.Message<Uint8Array>, 'packets'>, key: PacketKey): unknown {
  const { symEncryptedIntegrityProtectedData: sealed } = openpgp.enums.packet;
  const packet = message.packets.findPacket(sealed) as Streaming | undefined;
  return packet?.version === 1 && cipherOf(key) !== undefined ? packet.encrypted : undefined;
}

function cipherOf({ algorithm, data }: PacketKey): string | undefined {
  const cipher = CIPHERS[algorithm];
  return cipher?.includes(String(data.length * 8)) === true ? cipher : undefined;
}

/**
 * Opens the bytes of a sealed packet.
 * @throws Error when the key is another one's, or, after everything was given out, when anything was changed
 */
export async function* contentOf(
  sealed: AsyncIterable<Uint8Array>,
  key: PacketKey,
): AsyncGenerator<Uint8Array> {
  const decipher = createDecipheriv(cipherOf(key) ?? '', key.data, Buffer.alloc(BLOCK_BYTES));
  const digest = createHash('sha1');
  let held = Buffer.alloc(0);
  let isBegun = false;
  for await (const piece of sealed) {
    held = Buffer.concat([held, decipher.update(piece)]);
    if (!isBegun) {
      if (held.length < PREFIX_BYTES) continue;
      mustRepeat(held);
      digest.update(held.subarray(0, PREFIX_BYTES));
      held = held.subarray(PREFIX_BYTES);
      isBegun = true;
    }
    const given = held.subarray(0, Math.max(0, held.length - MDC_BYTES));
    held = held.subarray(given.length);
    digest.update(given);
    if (given.length > 0) yield given;
  }
  const isWhole = held.length === MDC_BYTES && held.subarray(0, MDC_HEAD.length).equals(MDC_HEAD);
  digest.update(MDC_HEAD);
  if (!isWhole || !timingSafeEqual(digest.digest(), held.subarray(MDC_HEAD.length)))
    throw new Error('its modification detection code does not fit');
}

function mustRepeat(prefix: Buffer): void {
  const isRepeated = prefix[14] === prefix[16] && prefix[15] === prefix[17];
  if (!isRepeated) throw new Error('the key does not fit what is inside, or it was changed');
}
