/**
 * A bare OpenPGP packet under a session key: SEIPD version 1 with AES-256 around exactly one uncompressed literal data
 * packet (RFC 9580, sections 5.13.1 and 5.9), with nothing before or behind it.
 *
 * The library's packet classes are used instead of its messages, which do the same with 60 % more time: there are
 * millions of segments. Their `encrypt` and `decrypt` are documented by the library, yet not in its type declarations.
 */
import { PGP, openpgp } from './library.ts';
import { openPlainPacket } from './plain-packet.ts';

interface SealedDataPacket {
  version: number | null;
  packets: openpgp.PacketList<openpgp.AnyPacket> | null;
  encrypt(algorithm: openpgp.enums.symmetric, key: Uint8Array, config: openpgp.Config): Promise<unknown>;
  decrypt(algorithm: openpgp.enums.symmetric, key: Uint8Array, config: openpgp.Config): Promise<unknown>;
}

interface LiteralPacket {
  setBytes(bytes: Uint8Array, format: openpgp.enums.literal): void;
  getBytes(): Uint8Array;
}

type Constructor<T> = new (...args: unknown[]) => T;
const { aes256 } = openpgp.enums.symmetric;
const Sealed = openpgp.SymEncryptedIntegrityProtectedDataPacket as unknown as Constructor<SealedDataPacket>;
const Literal = openpgp.LiteralDataPacket as unknown as Constructor<LiteralPacket>;
const ONLY_SEALED = {
  [openpgp.enums.packet.symEncryptedIntegrityProtectedData]: Sealed,
} as unknown as Parameters<typeof openpgp.PacketList.fromBinary>[1];

// The literal packet has a date field; a constant there says nothing about the run.
const EPOCH = new Date(0);

/** @param key - 32 bytes */
export async function sealPacket(content: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  const literal = new Literal(EPOCH);
  literal.setBytes(content, openpgp.enums.literal.binary);
  const sealed = new Sealed();
  sealed.version = 1;
  sealed.packets = listOf(literal);
  await sealed.encrypt(aes256, key, PGP);
  return listOf(sealed).write();
}

/**
 * Gives the content of a sealed packet.
 * @param key - 32 bytes
 * @throws Error when the bytes are anything else, or its modification detection code does not fit
 */
export async function openPacket(bytes: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
  return openPlainPacket(bytes, key) ?? (await openByLibrary(bytes, key));
}

async function openByLibrary(bytes: Uint8Array, key: Uint8Array): Promise<Uint8Array> {
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

function listOf(packet: LiteralPacket | SealedDataPacket): openpgp.PacketList<openpgp.AnyPacket> {
  const list = new openpgp.PacketList<openpgp.AnyPacket>();
  list.push(packet as unknown as openpgp.AnyPacket);
  return list;
}
