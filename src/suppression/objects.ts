/**
 * What keeps erased subjects from coming back, as it lies in a store, below `keep-NNN/SET/suppression/`:
 *
 * - `PURGE.pgp` (`PURGE.N.pgp` when it was written again, e.g. for other recipients): who was erased and by which map, sealed to the
 *   recipients and signed by an operator. A restore needs it for snapshots that the purge has not reached.
 * - `PURGE.tokens`: for hosts, which can open nothing: keyed hashes of the subjects' keys (`tokens.ts`).
 *
 * The ledger's `purge-intent` names both by hash. That of the sealed one is of its plaintext, so that it can be sealed
 * to other people; a nonce in there keeps the hash from confirming a guess.
 */
import pLimit from 'p-limit';
import { z } from 'zod';
import { growthShape, parseWith } from '../repository/entry.ts';
import { boundElsewhere, malformed } from '../repository/errors.ts';
import { daysOfPrefix, FORMAT, keepPrefix } from '../repository/layout.ts';
import type { ReadStore } from '../stores/store.ts';
import type { Subject } from '../subjects/closure.ts';

/** Whom a purge is about, and by which map. */
export interface Suppression {
  /** The request's id, as in the ledger. */
  readonly purge: string;
  /** The subject map's text. */
  readonly map: string;
  readonly subjects: readonly Subject[];
}

/** How the ledger names the two objects of a purge. */
export interface SuppressionRef {
  /** SHA-256 of the sealed object's plaintext. */
  readonly content: string;
  /** SHA-256 of the tokens' bytes. */
  readonly tokens: string;
  /** Until then both must be there; afterwards every copy of what they are needed for has ended. */
  readonly ends: string;
}

const LISTINGS_AT_ONCE = 8;

export const PURGE_ID = /^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/;

const sealedSchema = z.looseObject({
  ...growthShape,
  format: z.literal(FORMAT),
  kind: z.literal('suppression'),
  store: z.uuid(),
  set: z.string(),
  purge: z.string().regex(PURGE_ID),
  map: z.string(),
  subjects: z
    .array(
      z.looseObject({
        by: z.array(z.string()).min(1),
        known: z.array(z.tuple([z.string(), z.string()])),
      }),
    )
    .min(1),
});

/** Where a suppression object belongs. */
export interface SuppressionPlace {
  readonly store: string;
  readonly set: string;
  readonly purge: string;
}

/**
 * The plaintext of the sealed object: one JSON object and LF.
 * @param nonce - 32 random bytes, hex
 */
export function formatSuppression(
  { store, set }: Pick<SuppressionPlace, 'store' | 'set'>,
  { purge, map, subjects }: Suppression,
  nonce: string,
): Buffer {
  const written = subjects.map(({ by, known }) => ({ by, known: [...known] }));
  const value = { format: FORMAT, kind: 'suppression', store, set, purge, nonce, map, subjects: written };
  return Buffer.from(`${JSON.stringify(value)}\n`, 'utf8');
}

/**
 * Reads the plaintext of a sealed object whose hash and signature were checked.
 * @throws HoldfastError MALFORMED, FORMAT_UNKNOWN, BOUND_ELSEWHERE
 */
export function parseSuppression(plain: Buffer, place: SuppressionPlace, what: string): Suppression {
  const { store, set, purge, map, subjects } = parseWith(sealedSchema, parseJson(plain, what), what);
  mustBelong({ store, set, purge }, place, what);
  return { purge, map, subjects: subjects.map(({ by, known }) => ({ by, known: new Map(known) })) };
}

/** @throws HoldfastError BOUND_ELSEWHERE naming the first field that differs */
export function mustBelong(found: SuppressionPlace, place: SuppressionPlace, what: string): void {
  for (const field of ['store', 'set', 'purge'] as const)
    if (found[field] !== place[field]) throw boundElsewhere(what, field, place[field], found[field]);
}

function parseJson(plain: Buffer, what: string): unknown {
  try {
    return JSON.parse(plain.toString('utf8'));
  } catch {
    throw malformed(what, 'it is not JSON');
  }
}

export function suppressionFolder(set: string, days: number): string {
  return `${keepPrefix(days)}${set}/suppression/`;
}

/** @param revision - 0 is what the purge wrote first; nothing is ever written over */
export function sealedKey(folder: string, purge: string, revision = 0): string {
  return `${folder}${purge}${revision === 0 ? '' : `.${revision}`}.pgp`;
}

export function tokensKey(folder: string, purge: string, revision = 0): string {
  return `${folder}${purge}${revision === 0 ? '' : `.${revision}`}.tokens`;
}

/** A suppression object that lies in a store. */
export interface FoundSuppression {
  readonly key: string;
  readonly purge: string;
  readonly kind: 'sealed' | 'tokens';
  readonly revision: number;
  /** Days of the prefix under which it lies. */
  readonly days: number;
  readonly modified: Date;
}

/** Everything below `suppression/` of a set, under any life; names that mean nothing here are left out. */
export async function listSuppression(
  store: ReadStore,
  set: string,
  signal: AbortSignal,
): Promise<FoundSuppression[]> {
  const limit = pLimit(LISTINGS_AT_ONCE);
  const lives = (await store.folders('', signal)).flatMap((folder) => daysOfPrefix(folder) ?? []);
  const listed = lives.map((days) =>
    limit(async () => {
      const found: FoundSuppression[] = [];
      for await (const { key, modified } of store.list(suppressionFolder(set, days), signal)) {
        const name = parseName(key.slice(key.lastIndexOf('/') + 1));
        if (name) found.push({ ...name, key, days, modified });
      }
      return found;
    }),
  );
  return (await Promise.all(listed)).flat();
}

function parseName(name: string): Pick<FoundSuppression, 'purge' | 'kind' | 'revision'> | undefined {
  const match = /^([0-9A-Za-z][0-9A-Za-z_-]{0,63})(?:\.([1-9]\d{0,8}))?\.(pgp|tokens)$/.exec(name);
  if (match?.[1] === undefined) return undefined;
  return {
    purge: match[1],
    kind: match[3] === 'pgp' ? 'sealed' : 'tokens',
    revision: Number(match[2] ?? 0),
  };
}
