/**
 * The ledger of a set: append-only, hash-chained, signed lines about purges and key events, one chain per writer.
 * Reading refuses gaps, forks and foreign signatures. Writing is in `ledger-writer.ts`, what events mean in
 * `ledger-events.ts`.
 */
import { z } from 'zod';
import { verifyStatement } from '../openpgp/statement.ts';
import { growthShape, headsSchema, parseWith, sha256Hex } from './entry.ts';
import type { LedgerHeads } from './entry.ts';
import { ledgerBroken } from './errors.ts';
import { emptyRecord } from './records.ts';
import { FORMAT, PACK_REF, SET_NAME, ledgerFolder, ledgerKey } from './layout.ts';
import type { Session } from './session.ts';

const lineSchema = z.looseObject({
  ...growthShape,
  format: z.literal(FORMAT),
  kind: z.literal('ledger'),
  store: z.uuid(),
  set: z.string().regex(SET_NAME),
  writer: z.string().regex(SET_NAME),
  seq: z.int().positive(),
  /** SHA-256 of the line before, as an object; null for the first. */
  prev: z.string().nullable(),
  time: z.iso.datetime({ precision: 3 }),
  /** The heads of the other writers that this line's author had seen. */
  heads: headsSchema,
  event: z.looseObject({
    type: z.string(),
    /** Segments that must never be referenced again: chain writer, chain number, pack reference, offset. */
    retired: z
      .array(z.tuple([z.string(), z.int().positive(), z.string().regex(PACK_REF), z.int().nonnegative()]))
      .optional(),
  }),
});
export interface LedgerLine extends z.infer<typeof lineSchema> {
  /** Fingerprint of the trusted key that signed it. */
  readonly signer: string;
}

export interface Ledger {
  readonly lines: readonly LedgerLine[];
  readonly heads: LedgerHeads;
  /** SHA-256 of every line, by writer and number. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** For sorting by time; what is of one time stays in the order of writers and numbers, in which lines are read. */
export function byTime(a: { readonly time: string }, b: { readonly time: string }): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : 0;
}

/** A ledger without lines. */
export const EMPTY_LEDGER: Ledger = { lines: [], heads: {}, hashes: new Map() };

/**
 * Reads and verifies a set's whole ledger.
 * @throws HoldfastError LEDGER_BROKEN, SIGNATURE_BAD, SIGNER_NOT_TRUSTED, MALFORMED
 */
export async function readLedger(
  { store, id, ledgerTrust }: Pick<Session, 'store' | 'id' | 'ledgerTrust'>,
  set: string,
  signal: AbortSignal,
): Promise<Ledger> {
  const keys: string[] = [];
  for await (const object of store.list(ledgerFolder(set), signal)) keys.push(object.key);
  const lines: LedgerLine[] = [];
  const heads = emptyRecord<{ seq: number; sha256: string }>();
  const hashes = new Map<string, string>();
  for (const key of keys.sort()) {
    const bytes = await store.get(key, undefined, signal);
    const { value, signer } = await verifyStatement(bytes, ledgerTrust, key);
    const line = { ...parseWith(lineSchema, value, key), signer };
    const head = heads[line.writer];
    const place = ledgerKey(line.set, line.writer, line.seq);
    if (key !== place) throw ledgerBroken(set, `${key} belongs at ${place}`);
    if (line.store !== id) throw ledgerBroken(set, `${key} comes from another store`);
    if (line.seq !== (head?.seq ?? 0) + 1) throw ledgerBroken(set, `there is a gap before ${key}`);
    if (line.prev !== (head?.sha256 ?? null))
      throw ledgerBroken(set, `${key} does not follow the line before it`);
    const sha256 = sha256Hex(bytes);
    heads[line.writer] = { seq: line.seq, sha256 };
    hashes.set(lineName(line.writer, line.seq), sha256);
    lines.push(line);
  }
  for (const line of lines) checkLedgerCovers(set, { hashes }, line.heads);
  return { lines, heads, hashes };
}

/** The places of one chain that the ledger retires. */
export function retiredPlaces(
  ledger: Ledger,
  writer: string,
  chain: number,
): [ref: string, offset: number][] {
  return ledger.lines
    .flatMap((line) => line.event.retired ?? [])
    .filter(([w, c]) => w === writer && c === chain)
    .map(([, , ref, offset]) => [ref, offset]);
}

/**
 * A snapshot, and a line of another writer, knows which lines existed when it was made: a ledger that shows less, or
 * another line in the place of one, was cut back.
 * @throws HoldfastError LEDGER_BROKEN
 */
export function checkLedgerCovers(set: string, ledger: Pick<Ledger, 'hashes'>, seen: LedgerHeads): void {
  for (const [writer, head] of Object.entries(seen)) {
    const present = hashOfLine(ledger, writer, head.seq);
    if (present === undefined)
      throw ledgerBroken(set, `line ${head.seq} of ${writer} is gone, which was seen before`);
    if (present !== head.sha256)
      throw ledgerBroken(set, `line ${head.seq} of ${writer} is not the one that was seen before`);
  }
}

/** The SHA-256 of a line; undefined when there is none. */
export function hashOfLine(
  { hashes }: Pick<Ledger, 'hashes'>,
  writer: string,
  seq: number,
): string | undefined {
  return hashes.get(lineName(writer, seq));
}

function lineName(writer: string, seq: number): string {
  return `${writer} ${seq}`;
}
