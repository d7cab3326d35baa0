/**
 * Signed statements: how every public JSON object in a store carries its signature inside.
 *
 * Two lines, each ending in LF. The first is the statement, one JSON object; its bytes without the LF are what
 * is signed, so no canonical form of JSON is needed. The second is
 * `{"signer":"FINGERPRINT","signature":"-----BEGIN PGP SIGNATURE-----…"}`, a detached OpenPGP signature of
 * type binary (RFC 9580 section 5.2.1). With stock tools: `head -n1 entry.json | tr -d '\n'` against the signature.
 */
import { hash } from 'node:crypto';
import { reasonOf } from '../errors.ts';
import { badSignature, damaged } from './errors.ts';
import { PGP, VERIFY_DATE, openpgp, signingDate } from './library.ts';
import type { Trust } from './trust.ts';

/** No statement is larger: an entry of a snapshot of some terabytes is about 1 MB. */
const STATEMENT_BYTES_MAX = 32 * 1024 * 1024;

/** Signs one JSON value. */
export async function signStatement(value: object, signer: openpgp.PrivateKey): Promise<Buffer> {
  const line = Buffer.from(JSON.stringify(value), 'utf8');
  const signature = await openpgp.sign({
    message: await openpgp.createMessage({ binary: line }),
    signingKeys: signer,
    detached: true,
    date: signingDate(signer),
    config: PGP,
  });
  const seal = JSON.stringify({ signer: signer.getFingerprint(), signature });
  return Buffer.concat([line, Buffer.from(`\n${seal}\n`, 'utf8')]);
}

export interface VerifiedStatement {
  readonly value: unknown;
  readonly signer: string;
}

/**
 * Verifies a statement and returns its value.
 * @param what - names the object in errors
 * @param vouchedFor - its SHA-256 is in a statement that was verified, by somebody who had verified it: the signature is
 *   not computed again, and that its signer is trusted still is asked
 * @throws HoldfastError DAMAGED, SIGNER_NOT_TRUSTED, SIGNATURE_BAD
 */
export async function verifyStatement(
  bytes: Buffer,
  trust: Trust,
  what: string,
  vouchedFor = false,
): Promise<VerifiedStatement> {
  const { line, signer, signature } = split(bytes, what);
  const key = trust.key(signer, what);
  if (vouchedFor) return { value: parse(line.toString('utf8'), what), signer };
  const digest = hash('sha256', bytes, 'base64');
  if (isKnown(key, digest)) return { value: parse(line.toString('utf8'), what), signer };
  try {
    const parsed = await openpgp.readSignature({ armoredSignature: signature, config: PGP });
    // The armor around a signature is not signed: only its one normal form counts, so that no byte can be changed.
    if (parsed.armor(PGP) !== signature) throw new Error('its armor was changed');
    const verified = await openpgp.verify({
      message: await openpgp.createMessage({ binary: new Uint8Array(line) }),
      signature: parsed,
      verificationKeys: key,
      date: VERIFY_DATE,
      format: 'binary',
      config: PGP,
    });
    const [first] = verified.signatures;
    if (!first || verified.signatures.length !== 1) throw new Error('there is not exactly one signature');
    await first.verified;
  } catch (cause) {
    throw badSignature(what, reasonOf(cause), cause);
  }
  remember(key, digest);
  return { value: parse(line.toString('utf8'), what), signer };
}

/** Digests by the key that has signed them: a purge reads every entry again before each of its steps. */
const known = new WeakMap<openpgp.PublicKey, Set<string>>();
const KNOWN_MAX = 10_000;

function isKnown(key: openpgp.PublicKey, digest: string): boolean {
  return known.get(key)?.has(digest) === true;
}

function remember(key: openpgp.PublicKey, digest: string): void {
  const digests = known.get(key) ?? new Set();
  if (digests.size < KNOWN_MAX) known.set(key, digests.add(digest));
}

/** The value of a statement whose signature is not looked at: only for finding out whom to ask about. */
export function readUnverified(bytes: Buffer, what: string): VerifiedStatement {
  const { line, signer } = split(bytes, what);
  return { value: parse(line.toString('utf8'), what), signer };
}

function split(bytes: Buffer, what: string): { line: Buffer; signer: string; signature: string } {
  if (bytes.length > STATEMENT_BYTES_MAX) throw damaged(what, 'it is too large');
  const first = bytes.indexOf(10);
  const second = bytes.indexOf(10, first + 1);
  if (first <= 0 || second !== bytes.length - 1) throw damaged(what, 'it does not have exactly two lines');
  const seal = parse(bytes.subarray(first + 1, second).toString('utf8'), what) as Record<string, unknown>;
  const { signer, signature } = seal;
  if (typeof signer !== 'string' || typeof signature !== 'string')
    throw damaged(what, 'its signature line is malformed');
  // One way to write it, so that the bytes of a statement cannot be changed without changing what it says.
  const only = JSON.stringify({ signer, signature });
  if (bytes.toString('utf8', first + 1, second) !== only)
    throw damaged(what, 'its signature line is malformed');
  return { line: bytes.subarray(0, first), signer, signature };
}

function parse(text: string, what: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) throw new Error('not an object');
    return value;
  } catch (cause) {
    throw damaged(what, 'it is not JSON', cause);
  }
}
