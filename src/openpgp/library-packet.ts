/**
 * Opening a bare OpenPGP packet under a session key by the library, which knows every form (RFC 9580, section 5.13) and
 * says what is wrong with the others.
 *
 * Its packet classes are used instead of its messages, which do the same with 60 % more time. Their `decrypt` is
 * documented by the library, yet not in its type declarations.
 */
import { PGP, openpgp } from './library.ts';

interface SealedDataPacket {
  version: number | null;
  packets: openpgp.PacketList<openpgp.AnyPacket> | null;
  decrypt(algorithm: openpgp.enums.symmetric, key: Uint8Array, config: openpgp.Config): Promise<unknown>;
}

interface LiteralPacket {
  getBytes(): Uint8Array;
}

type Constructor<T> = new (...args: unknown[]) => T;
const { aes256 } = openpgp.enums.symmetric;
const Sealed = openpgp.SymEncryptedIntegrityProtectedDataPacket as unknown as Constructor<SealedDataPacket>;
const Literal = openpgp.LiteralDataPacket as unknown as Constructor<LiteralPacket>;
const ONLY_SEALED = {
  [openpgp.enums.packet.symEncryptedIntegrityProtectedData]: Sealed,
} as unknown as Parameters<typeof openpgp.PacketList.fromBinary>[1];

/**
 * Gives the content of a sealed packet.
 * @param key - 32 bytes
 * @throws Error when the bytes are anything but one sealed packet of version 1 around one literal packet
 */
export async function openByLibrary(bytes: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  const outer = await openpgp.PacketList.fromBinary(bytes, ONLY_SEALED, PGP);
  const [sealed] = outer as unknown as SealedDataPacket[];
  if (outer.length !== 1 || !(sealed instanceof Sealed)) throw new Error('it is not one sealed packet');
  if (sealed.version !== 1) throw new Error(`it is a sealed packet of version ${String(sealed.version)}`);
  await sealed.decrypt(aes256, key, PGP);
  const [literal] = sealed.packets ?? [];
  if (sealed.packets?.length !== 1 || !(literal instanceof Literal))
    throw new Error('it does not hold exactly one literal packet');
  return literal.getBytes();
}
