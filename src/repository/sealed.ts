/**
 * Exports that were sealed (`seal`): a ledger of their own, and objects that end by themselves. Both lie where a set called
 * `sealed` would, and so no set may be called that. No line names a file: what it was, only its recipients can read.
 */
import { z } from 'zod';
import { parseWith } from './entry.ts';
import { KEEP_DAYS_MAX, SEALED, SNAPSHOT_ID, daysOfPrefix, keepPrefix } from './layout.ts';
import { byTime } from './ledger.ts';
import type { Ledger } from './ledger.ts';

/** All parts of a sealed object but the last are this long: small enough to be sent again, and to hold in memory. */
export const PART_BYTES = 8 * 1024 * 1024;
const PARTS_MAX = 999_999;

const fingerprints = z.array(z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/)).min(1);
const shared = {
  /** Like that of a snapshot: when it began, by the store's clock. */
  id: z.string().regex(SNAPSHOT_ID),
  recipients: fingerprints,
  /** Ticket or letter, as whoever sealed it named it: for people. */
  ref: z.string().max(200).optional(),
};

/** Bytes are about to leave through a pipe: nobody can take them back when the line behind them cannot be written. */
const begunSchema = z.looseObject({ type: z.literal('seal-begun'), ...shared });

const doneSchema = z.looseObject({
  type: z.literal('sealed'),
  ...shared,
  /** Where the message went: a file, a pipe, or this store. */
  to: z.enum(['file', 'pipe', 'store']),
  /** Of the whole message, sealed. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: z.int().positive(),
  /** In the store: the life below which it lies, in how many parts, and until when it is there at least. */
  stored: z
    .looseObject({
      keep_days: z.int().positive().max(KEEP_DAYS_MAX),
      parts: z.int().positive().max(PARTS_MAX),
      end: z.iso.datetime({ precision: 3 }),
    })
    .optional(),
});

export type SealBegun = z.infer<typeof begunSchema>;
export type SealDone = z.infer<typeof doneSchema>;

/** A line of the ledger of what was sealed. */
export type SealEvent = (SealBegun | SealDone) & {
  /** When the line was written, by the store's clock. */
  readonly time: string;
  /** Whose chain it is in. */
  readonly writer: string;
  /** Fingerprint of who signed the line. */
  readonly signer: string;
};

/** What the ledger of SEALED says, oldest first; lines of later versions are left out. Throws MALFORMED. */
export function sealEvents(ledger: Ledger): SealEvent[] {
  return ledger.lines
    .flatMap(({ event, time, writer, signer, seq }): SealEvent[] => {
      const what = `line ${seq} of ${writer} in the ledger of what was sealed`;
      if (event.type === 'seal-begun')
        return [{ ...parseWith(begunSchema, event, what), time, writer, signer }];
      if (event.type === 'sealed') return [{ ...parseWith(doneSchema, event, what), time, writer, signer }];
      return [];
    })
    .toSorted(byTime);
}

export function sealedFolder(id: string, days: number): string {
  return `${keepPrefix(days)}${SEALED}/${id}/`;
}

/** Parts are numbered from 1; joined in the order of their names they are one OpenPGP message. */
export function sealedPartKey(id: string, days: number, part: number): string {
  return `${sealedFolder(id, days)}${String(part).padStart(6, '0')}`;
}

/** What the key of a part says; undefined for any other key. */
export function parseSealedKey(key: string): { readonly id: string; readonly days: number } | undefined {
  const [keep = '', set, id = '', part = '', ...more] = key.split('/');
  const days = daysOfPrefix(keep);
  const fits = set === SEALED && SNAPSHOT_ID.test(id) && /^\d{6}$/.test(part) && more.length === 0;
  return days !== undefined && fits ? { id, days } : undefined;
}
