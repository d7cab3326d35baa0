/** OpenPGP keys as files: reading, judging, making. */
import { readFile, stat } from 'node:fs/promises';
import { HoldfastError, reasonOf } from '../errors.ts';
import {
  keyFileMissing,
  keyUnreadable,
  notPrivate,
  passphraseNeeded,
  passphraseWrong,
  signerUnfit,
} from './errors.ts';
import { PGP, VERIFY_DATE, openpgp, signingDate } from './library.ts';

/** Key files are small; anything larger is not a key. */
const KEY_FILE_BYTES_MAX = 1024 * 1024;
const RSA_BITS_MIN = 2048;
const EXPIRY_WARNING_DAYS = 60;
const DAY_MS = 86_400_000;

/** Reads one public key (the public part when the file holds a private one), armored or binary. */
export async function readPublicKey(file: string): Promise<openpgp.PublicKey> {
  return (await readKeyFile(file)).toPublic();
}

/** Whether a file holds a private key, which belongs on no host and in no list of recipients. */
export async function holdsPrivateKey(file: string): Promise<boolean> {
  return (await readKeyFile(file)).isPrivate();
}

/** Reads every public key of an armored or binary file. */
export async function parsePublicKeys(bytes: Buffer, name: string): Promise<openpgp.PublicKey[]> {
  try {
    const keys = isArmored(bytes)
      ? await openpgp.readKeys({ armoredKeys: bytes.toString('utf8'), config: PGP })
      : await openpgp.readKeys({ binaryKeys: new Uint8Array(bytes), config: PGP });
    return keys.map((key) => key.toPublic());
  } catch (cause) {
    throw keyUnreadable(name, cause);
  }
}

/**
 * Reads a private key and opens it.
 * @param passphrase - asked for only when the key is protected
 * @throws HoldfastError KEY_FILE_MISSING, KEY_UNREADABLE, KEY_NOT_PRIVATE, PASSPHRASE_NEEDED, PASSPHRASE_WRONG
 */
export async function readPrivateKey(
  file: string,
  passphrase: () => Promise<string | undefined>,
): Promise<openpgp.PrivateKey> {
  const key = await readKeyFile(file);
  if (!key.isPrivate()) throw notPrivate(file);
  if (key.isDecrypted()) return key;
  const phrase = await passphrase();
  if (phrase === undefined || phrase === '') throw passphraseNeeded(file);
  try {
    return await openpgp.decryptKey({ privateKey: key, passphrase: phrase, config: PGP });
  } catch {
    throw passphraseWrong(file);
  }
}

/** Reads a host's signing key: private, without passphrase (cron cannot type), able to sign now. */
export async function readSigningKey(file: string): Promise<openpgp.PrivateKey> {
  let key: openpgp.PrivateKey;
  try {
    key = await readPrivateKey(file, () => Promise.resolve(undefined));
    await key.getSigningKey(undefined, signingDate(key), undefined, PGP);
  } catch (error) {
    throw error instanceof HoldfastError && error.code === 'KEY_FILE_MISSING'
      ? error
      : signerUnfit(file, reasonOf(error));
  }
  return key;
}

async function readKeyFile(file: string): Promise<openpgp.Key> {
  let bytes: Buffer;
  try {
    if ((await stat(file)).size > KEY_FILE_BYTES_MAX) throw keyUnreadable(file, undefined);
    bytes = await readFile(file);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw keyFileMissing(file, cause);
  }
  try {
    return isArmored(bytes)
      ? await openpgp.readKey({ armoredKey: bytes.toString('utf8'), config: PGP })
      : await openpgp.readKey({ binaryKey: new Uint8Array(bytes), config: PGP });
  } catch (cause) {
    throw keyUnreadable(file, cause);
  }
}

function isArmored(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN PGP');
}

export interface KeyFacts {
  readonly fingerprint: string;
  readonly userId: string;
  readonly algorithm: string;
  readonly created: Date;
  /** Undefined when the key does not expire. */
  readonly expires: Date | undefined;
}

export interface RecipientVerdict extends KeyFacts {
  readonly file: string;
  /** Why this key must not be used; undefined when it may. */
  readonly refusal: string | undefined;
  readonly warning: string | undefined;
}

/**
 * Judges whether a key may be a recipient: it must be able to encrypt, not expired, not revoked, and of a
 * strength that lasts; one that ends within 60 days is a warning.
 */
export async function judgeRecipient(
  key: openpgp.PublicKey,
  file: string,
  now: Date,
): Promise<RecipientVerdict> {
  const facts = await keyFacts(key);
  // A clock that is behind does not make a good key a bad one.
  const born = key.getCreationTime().getTime() + 1000;
  const refusal = await refusalOf(key, facts, new Date(Math.max(now.getTime(), born)));
  const daysLeft = facts.expires ? Math.floor((facts.expires.getTime() - now.getTime()) / DAY_MS) : Infinity;
  const warning =
    refusal === undefined && daysLeft < EXPIRY_WARNING_DAYS
      ? `expires in ${daysLeft} days, on ${facts.expires?.toISOString().slice(0, 10) ?? ''}`
      : undefined;
  return { ...facts, file, refusal, warning };
}

async function refusalOf(key: openpgp.PublicKey, facts: KeyFacts, now: Date): Promise<string | undefined> {
  if (await key.isRevoked(undefined, undefined, now, PGP)) return 'it is revoked';
  if (facts.expires && facts.expires <= now)
    return `it expired on ${facts.expires.toISOString().slice(0, 10)}`;
  let encryptor: openpgp.Key | openpgp.Subkey;
  try {
    encryptor = await key.getEncryptionKey(undefined, now, undefined, PGP);
  } catch (error) {
    const reason = reasonOf(error);
    return /bits|insecure|too short/i.test(reason)
      ? `it is too weak (${reason})`
      : `it cannot encrypt (${reason})`;
  }
  const { bits } = encryptor.getAlgorithmInfo() as { bits?: number };
  return bits !== undefined && bits < RSA_BITS_MIN ? `it is too weak (${bits} bits)` : undefined;
}

export async function keyFacts(key: openpgp.Key): Promise<KeyFacts> {
  const info = key.getAlgorithmInfo() as { algorithm: string; bits?: number; curve?: string };
  return {
    fingerprint: key.getFingerprint(),
    userId: key.getUserIDs()[0] ?? '',
    algorithm: algorithmName(info),
    created: key.getCreationTime(),
    expires: await expiry(key),
  };
}

type CertifyPackets = (
  key: unknown,
  signed: object,
  at: Date,
  isDetached: boolean,
  config: openpgp.Config,
) => Promise<void>;

/** `Ed25519`, `RSA 3072`: what people call it. */
function algorithmName({
  algorithm,
  curve,
  bits,
}: {
  algorithm: string;
  curve?: string;
  bits?: number;
}): string {
  const name = (curve ?? algorithm).replace(/Legacy$/, '').replace(/^rsa.*/i, 'RSA');
  const shown = name.charAt(0).toUpperCase() + name.slice(1);
  return bits === undefined ? shown : `${shown} ${bits}`;
}

async function expiry(key: openpgp.Key): Promise<Date | undefined> {
  const end = await key.getExpirationTime(undefined, PGP).catch(() => null);
  return end instanceof Date ? end : undefined;
}

/** Makes a key pair that every GnuPG since 2.1 reads (Curve25519, version 4). */
export function generateRecipientKey(name: string): Promise<openpgp.PrivateKey> {
  return generate(name, true);
}

/** Makes a host's signing key: it can sign and nothing else, has no passphrase and no end. */
export function generateHostKey(name: string): Promise<openpgp.PrivateKey> {
  return generate(name, false);
}

/** A private key as armored text, protected when there is a passphrase. */
export async function armorPrivateKey(
  key: openpgp.PrivateKey,
  passphrase: string | undefined,
): Promise<string> {
  if (passphrase === undefined) return key.armor(PGP);
  return (await openpgp.encryptKey({ privateKey: key, passphrase, config: PGP })).armor(PGP);
}

async function generate(name: string, encrypts: boolean): Promise<openpgp.PrivateKey> {
  const { privateKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name }],
    subkeys: encrypts ? [{}] : [],
    format: 'object',
    // A minute back: a clock that is corrected by seconds after `init` must not make the key "from the future".
    date: new Date(Date.now() - 60_000),
    config: PGP,
  });
  await preferKnownHashes(privateKey);
  return privateKey;
}

/**
 * OpenPGP.js states a preference for SHA-3, which gpg 2.2 does not have: it would ask a question at every import.
 * So the self-certification is made again with SHA-512 and SHA-256 only (RFC 9580 section 5.2.3.16).
 */
async function preferKnownHashes(key: openpgp.PrivateKey): Promise<void> {
  const [user] = key.users;
  const [certification] = user?.selfCertifications ?? [];
  if (!user?.userID || !certification) throw new Error('a new key has no self-certification');
  certification.preferredHashAlgorithms = [openpgp.enums.hash.sha512, openpgp.enums.hash.sha256];
  certification.rawNotations = [];
  const signed = { userID: user.userID, key: key.keyPacket };
  // The library's types know of signing bytes only; certifying is the same method with the packets (its key.js).
  const sign = certification.sign.bind(certification) as unknown as CertifyPackets;
  await sign(key.keyPacket, signed, certification.created ?? new Date(), false, PGP);
}

/** A copy of the host's public key that carries a certification by `certifier` (OpenPGP signature type 0x10). */
export async function certify(
  host: openpgp.PublicKey,
  certifier: openpgp.PrivateKey,
): Promise<openpgp.PublicKey> {
  return host.signPrimaryUser([certifier], signingDate(certifier), undefined, PGP);
}

/** True when one of the certifiers vouches for the key's user id with a valid signature. */
export async function isCertifiedBy(
  key: openpgp.PublicKey,
  certifiers: readonly openpgp.PublicKey[],
): Promise<boolean> {
  const own = key.getKeyID().toHex();
  const results = await key.verifyAllUsers([...certifiers], VERIFY_DATE, PGP);
  return results.some((result) => result.valid === true && result.keyID.toHex() !== own);
}
