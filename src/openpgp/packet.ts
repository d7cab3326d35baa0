/**
 * A bare OpenPGP packet under a session key: SEIPD version 1 with AES-256 around exactly one uncompressed literal data
 * packet (RFC 9580, sections 5.13.1 and 5.9), with nothing before or behind it.
 */
import { openPlainPacket } from './plain-packet.ts';

/**
 * Gives the content of a sealed packet.
 * @param key - 32 bytes
 * @throws Error when the bytes are anything else, or its modification detection code does not fit
 */
export async function openPacket(bytes: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  const content = openPlainPacket(bytes, key);
  if (content) return content;
  // Loading the library takes as long as opening some hundred segments: every thread would do it for nothing.
  const { openByLibrary } = await import('./library-packet.ts');
  return openByLibrary(bytes, key);
}
