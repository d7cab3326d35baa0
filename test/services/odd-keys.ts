/** Public keys that a backup must not be encrypted to, and one that will soon be of them; made by openpgp in process. */
import { PGP, openpgp } from '../../src/openpgp/library.ts';

const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;

/** By what is wrong with them. */
export const UNFIT_KEYS: readonly (readonly [string, () => Promise<openpgp.PublicKey>, RegExp])[] = [
  [
    'is expired',
    () => curveKey({ date: new Date(Date.now() - 10 * DAY_MS), keyExpirationTime: DAY_SECONDS }),
    /expired on \d{4}-\d\d-\d\d/,
  ],
  ['is revoked', revokedKey, /it is revoked/],
  ['can only sign', () => curveKey({ subkeys: [] }), /cannot encrypt/],
  ['is too weak (RSA 1024)', weakKey, /too weak/],
];

/** A good key that ends in so many days. */
export function keyEndingIn(days: number): Promise<openpgp.PublicKey> {
  return curveKey({ keyExpirationTime: days * DAY_SECONDS + 3600 });
}

interface Choices {
  readonly date?: Date;
  readonly keyExpirationTime?: number;
  readonly subkeys?: [];
}

async function curveKey(choices: Choices): Promise<openpgp.PublicKey> {
  return (await curvePair(choices)).publicKey;
}

async function revokedKey(): Promise<openpgp.PublicKey> {
  return (await (await curvePair({})).privateKey.revoke(undefined, new Date(), PGP)).toPublic();
}

function curvePair(choices: Choices) {
  const kind = { type: 'ecc', curve: 'ed25519Legacy', format: 'object', config: PGP } as const;
  return openpgp.generateKey({ ...kind, userIDs: [{ name: 'odd' }], ...choices });
}

async function weakKey(): Promise<openpgp.PublicKey> {
  const config = { ...PGP, minRSABits: 1024 };
  const kind = { type: 'rsa', rsaBits: 1024, format: 'object', config } as const;
  return (await openpgp.generateKey({ ...kind, userIDs: [{ name: 'odd' }] })).publicKey;
}
