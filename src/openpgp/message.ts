/** Whole OpenPGP messages to people: what manifests are. One power per object: a host has a sealer and no opener. */
import { randomBytes } from 'node:crypto';
import { HoldfastError, reasonOf } from '../errors.ts';
import { damaged, keyDoesNotOpen } from './errors.ts';
import { PGP, VERIFY_DATE, openpgp, signingDate } from './library.ts';
import { signerOf } from './signer.ts';
import type { Trust } from './trust.ts';

/** Seals messages to the recipients, signed by this host. */
export class MessageSealer {
  readonly #recipients: readonly openpgp.PublicKey[];
  readonly #signer: openpgp.PrivateKey;

  constructor(recipients: readonly openpgp.PublicKey[], signer: openpgp.PrivateKey) {
    this.#recipients = recipients;
    this.#signer = signer;
  }

  async seal(plain: Uint8Array): Promise<Buffer> {
    const sealed = await openpgp.encrypt({
      message: await openpgp.createMessage({ binary: plain }),
      encryptionKeys: [...this.#recipients],
      // Chosen here, since one recipient's old preferences would otherwise make it AES-128 for all.
      sessionKey: { data: randomBytes(32), algorithm: 'aes256' },
      signingKeys: this.#signer,
      date: signingDate(this.#signer, ...this.#recipients),
      format: 'binary',
      config: PGP,
    });
    return Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  }
}

export interface OpenedMessage {
  readonly plain: Buffer;
  /** Fingerprint of the trusted key that signed it. */
  readonly signer: string;
}

/** Opens messages with a private key, wherever that key lives. */
export interface MessageOpener {
  /** Public parts of the keys that this opener can use: they certify hosts. */
  readonly certifiers: readonly openpgp.PublicKey[];
  /**
   * Decrypts and verifies.
   * @throws HoldfastError KEY_DOES_NOT_OPEN, DAMAGED, SIGNATURE_BAD, SIGNER_NOT_TRUSTED
   */
  open(sealed: Uint8Array, trust: Trust, what: string): Promise<OpenedMessage>;
}

/** What decrypts a message. */
export type MessageSecret = { decryptionKeys: openpgp.PrivateKey[] } | { sessionKeys: openpgp.SessionKey[] };

/** Opens messages of any size; see `open-stream.ts`. */
export interface StreamOpener {
  /**
   * What decrypts this message.
   * @param head - its first bytes, with all packets that say for whom it is
   * @throws HoldfastError KEY_DOES_NOT_OPEN, GPG_FAILED
   */
  secretFor(
    message: Pick<openpgp.Message<never>, 'getEncryptionKeyIDs'>,
    head: Uint8Array,
    what: string,
  ): Promise<MessageSecret>;
}

/** Opens with an unlocked private key held in memory. */
export class KeyOpener implements MessageOpener, StreamOpener {
  readonly #keys: readonly openpgp.PrivateKey[];

  constructor(keys: readonly openpgp.PrivateKey[]) {
    this.#keys = keys;
  }

  get certifiers(): openpgp.PublicKey[] {
    return this.#keys.map((key) => key.toPublic());
  }

  async open(sealed: Uint8Array, trust: Trust, what: string): Promise<OpenedMessage> {
    const message = await readSealed(sealed, what);
    this.#mustBeAddressed(message, what);
    return decryptWith({ decryptionKeys: [...this.#keys] }, message, trust, what);
  }

  secretFor(
    message: Pick<openpgp.Message<never>, 'getEncryptionKeyIDs'>,
    _head: Uint8Array,
    what: string,
  ): Promise<MessageSecret> {
    this.#mustBeAddressed(message, what);
    return Promise.resolve({ decryptionKeys: [...this.#keys] });
  }

  #mustBeAddressed(message: Pick<openpgp.Message<never>, 'getEncryptionKeyIDs'>, what: string): void {
    const wanted = message.getEncryptionKeyIDs();
    const own = this.#keys.flatMap((key) => key.getKeys().map((part) => part.getKeyID()));
    if (wanted.some((id) => own.some((mine) => mine.equals(id, true)))) return;
    throw keyDoesNotOpen(
      what,
      wanted.map((id) => id.toHex()),
      this.#keys.map((key) => key.getKeyID().toHex()),
    );
  }
}

export async function readSealed(sealed: Uint8Array, what: string): Promise<openpgp.Message<Uint8Array>> {
  try {
    return await openpgp.readMessage({ binaryMessage: sealed, config: PGP });
  } catch (cause) {
    throw damaged(what, reasonOf(cause), cause);
  }
}

/** Decrypts with private keys or a session key, then demands exactly one good signature by a trusted key. */
export async function decryptWith(
  secret: MessageSecret,
  message: openpgp.Message<Uint8Array>,
  trust: Trust,
  what: string,
): Promise<OpenedMessage> {
  let result: openpgp.DecryptMessageResult;
  try {
    result = await openpgp.decrypt({
      ...secret,
      message,
      verificationKeys: trust.keys,
      date: VERIFY_DATE,
      format: 'binary',
      config: PGP,
    });
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw damaged(what, reasonOf(cause), cause);
  }
  const data = result.data as Uint8Array;
  return {
    plain: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    signer: await signerOf(result.signatures, trust, what),
  };
}

/** True when a message can be opened by each of these keys, and by nobody else. */
export async function isSealedTo(
  sealed: Uint8Array,
  recipients: readonly openpgp.PublicKey[],
  what: string,
): Promise<boolean> {
  const wanted = (await readSealed(sealed, what)).getEncryptionKeyIDs();
  const opens = (key: openpgp.PublicKey) =>
    key.getKeys().some((part) => wanted.some((id) => id.equals(part.getKeyID())));
  return wanted.length === recipients.length && recipients.every(opens);
}
