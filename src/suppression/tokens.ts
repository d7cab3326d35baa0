/**
 * Tokens: how a host, which can open nothing, notices that somebody who was erased is in a dump again.
 *
 * A token is HMAC-SHA-256 of a subject's key, under a random key that lies beside it, in the clear and signed. It
 * stores no identity; but whoever can read the object can test a guess ("is it customer 42?"), which the threat model
 * says. It goes with the last copy of what it protects.
 *
 * The purges of a set share a key as long as there are tokens under it: otherwise a hundred purges would cost a backup
 * a hundred hashes for each row.
 */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { growthShape, parseWith } from '../repository/entry.ts';
import { FORMAT } from '../repository/layout.ts';
import type { Schema } from '../sources/schema.ts';
import { CANONICAL_FORMS } from '../subjects/canonical.ts';
import type { Subject } from '../subjects/closure.ts';
import { keyOf, KINDS } from '../subjects/compare.ts';
import { keyComparisons } from '../subjects/relations.ts';
import type { Comparison, Engine } from '../subjects/compare.ts';
import type { SubjectMap } from '../subjects/map.ts';
import type { Value } from '../rows/values.ts';
import { mustBelong, PURGE_ID } from './objects.ts';
import type { SuppressionPlace } from './objects.ts';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);

const tokensSchema = z.looseObject({
  ...growthShape,
  format: z.literal(FORMAT),
  kind: z.literal('suppression-tokens'),
  store: z.uuid(),
  set: z.string(),
  purge: z.string().regex(PURGE_ID),
  key: hex32,
  table: z.string(),
  columns: z.array(z.string()).min(1),
  comparisons: z.array(z.looseObject({ form: z.enum(CANONICAL_FORMS), kind: z.enum(KINDS) })),
  tokens: z.array(hex32),
});

/** What a row's token is made of. */
export interface TokenColumns {
  /** 32 bytes, hex. */
  readonly key: string;
  /** The root table of the map. */
  readonly table: string;
  /** Its key. */
  readonly columns: readonly string[];
  readonly comparisons: readonly Comparison[];
}

/** What a purge's tokens object states. */
export interface Tokens extends SuppressionPlace, TokenColumns {
  readonly tokens: readonly string[];
}

/** Reads a verified statement. Throws MALFORMED, FORMAT_UNKNOWN, BOUND_ELSEWHERE. */
export function parseTokens(value: unknown, place: SuppressionPlace, what: string): Tokens {
  const tokens = parseWith(tokensSchema, value, what);
  mustBelong(tokens, place, what);
  return tokens;
}

export interface TokensInput {
  readonly place: SuppressionPlace;
  readonly map: Pick<SubjectMap, 'root'>;
  readonly subjects: readonly Subject[];
  /** Any that has the root table: its types say how values are compared. */
  readonly schema: Schema;
  readonly engine: Engine;
  /** 32 random bytes, hex. */
  readonly key: string;
}

/**
 * The tokens of a purge: of each subject whose key is known. One who was asked for by an address that no row had has
 * none: whoever has that address tomorrow may be somebody else, or the same by their own will.
 */
export function makeTokens({ place, map, subjects, schema, engine, key }: TokensInput): Tokens {
  const { table, key: columns } = map.root;
  const comparisons = keyComparisons(map, schema, engine);
  const about = { key, table, columns, comparisons };
  const maker = new TokenMaker(about);
  const tokens = subjects.flatMap(
    ({ known }) => maker.of(columns.map((column) => known.get(column) ?? null)) ?? [],
  );
  return { ...place, ...about, tokens: [...new Set(tokens)] };
}

/** The statement that says so, to be signed. */
export function tokensStatement(tokens: Tokens): object {
  return { format: FORMAT, kind: 'suppression-tokens', ...tokens };
}

/** Bytes of a block of SHA-256, and of what comes out. */
const BLOCK = 64;
const DIGEST = 32;
/** Longer values get memory of their own. */
const VALUE_BYTES = 1024;

/**
 * Makes tokens of rows: HMAC of RFC 2104 by its definition, in memory that is used again, since createHmac takes
 * twenty times as long for a message of some bytes, and this is done for each row of a table.
 */
export class TokenMaker {
  /** The key's inner block, the place, and room for a value. */
  readonly #inner: Buffer;
  readonly #start: number;
  /** The key's outer block, and room for the inner hash. */
  readonly #outer: Buffer;
  readonly #comparisons: readonly Comparison[];

  constructor({ key, table, columns, comparisons }: TokenColumns) {
    const place = Buffer.from(`${JSON.stringify([table, ...columns])}\0`, 'utf8');
    this.#inner = Buffer.concat([padded(key, 0x36), place, Buffer.alloc(VALUE_BYTES)]);
    this.#start = BLOCK + place.length;
    this.#outer = Buffer.concat([padded(key, 0x5c), Buffer.alloc(DIGEST)]);
    this.#comparisons = comparisons;
  }

  /**
   * @param values - of the columns, in their order
   * @returns undefined where one is NULL, or what equals nothing: nobody's token
   */
  of(values: readonly Value[]): string | undefined {
    const value = keyOf(values, this.#comparisons);
    if (value === null) return undefined;
    hash('sha256', this.#message(value), 'buffer').copy(this.#outer, BLOCK);
    return hash('sha256', this.#outer, 'hex');
  }

  #message(value: string): Buffer {
    // No character of UTF-16 is more than three bytes of UTF-8.
    if (value.length * 3 > VALUE_BYTES)
      return Buffer.concat([this.#inner.subarray(0, this.#start), Buffer.from(value, 'utf8')]);
    const end = this.#start + this.#inner.write(value, this.#start, 'utf8');
    return this.#inner.subarray(0, end);
  }
}

/** The key, filled up with zeros to a block, each byte changed by `pad`. */
function padded(key: string, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(key, 'hex');
  return Buffer.from(block.map((byte) => byte ^ pad));
}
