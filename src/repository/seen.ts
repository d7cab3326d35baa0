/**
 * What this machine has seen of a set: the newest entry of every writer and the heads of the ledger. Whoever has
 * been here before notices when a store is rolled back.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { headsSchema } from './entry.ts';
import type { LedgerHeads } from './entry.ts';
import { startOfSnapshot } from './layout.ts';
import { hashOfLine } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { emptyRecord, own } from './records.ts';
import { readState, writeState } from './state-files.ts';

const seenSchema = z.strictObject({
  entries: z.record(
    z.string(),
    z.strictObject({
      seq: z.int().positive(),
      snapshot: z.string(),
      sha256: z.string(),
      end: z.iso.datetime(),
    }),
  ),
  ledger: headsSchema,
});
export type Seen = z.infer<typeof seenSchema>;
export type SeenEntry = Seen['entries'][string];

const FILE = 'seen.json';
const NOTHING: Seen = { entries: {}, ledger: {} };

export async function readSeen(folder: string): Promise<Seen> {
  return (await readState(join(folder, FILE), seenSchema)) ?? NOTHING;
}

/** Remembers the higher of what was known and what is there now. */
export async function rememberSeen(
  folder: string,
  entries: Seen['entries'],
  ledger: LedgerHeads,
): Promise<void> {
  const old = await readSeen(folder);
  const next = { entries: higher(old.entries, entries), ledger: higher(old.ledger, ledger) };
  if (JSON.stringify(next) !== JSON.stringify(old)) await writeState(join(folder, FILE), next);
}

/** Forgets what was seen and takes what is there now: after a rollback that a person has accepted. */
export function acceptSeen(folder: string, entries: Seen['entries'], ledger: LedgerHeads): Promise<void> {
  return writeState(join(folder, FILE), { entries, ledger });
}

function higher<T extends { seq: number }>(
  old: Record<string, T>,
  now: Record<string, T>,
): Record<string, T> {
  const merged = Object.assign(emptyRecord<T>(), old);
  for (const [writer, head] of Object.entries(now)) {
    const known = merged[writer];
    if (!known || head.seq >= known.seq) merged[writer] = head;
  }
  return merged;
}

/**
 * Says where a store shows less than what was seen here; empty when it does not. An entry that is past its end
 * may be missing: that is expiry, not a rollback.
 * @param erased - what was begun until then may be gone: the whole set was purged; see `erasedUntil`
 */
export function findRollback(
  seen: Seen,
  entries: Seen['entries'],
  ledger: Pick<Ledger, 'hashes'>,
  now: Date,
  erased?: Date,
): string[] {
  const problems: string[] = [];
  for (const [writer, head] of Object.entries(seen.entries)) {
    const present = own(entries, writer);
    if (present && present.seq > head.seq) continue;
    if (present?.seq === head.seq && present.sha256 === head.sha256) continue;
    if (present?.seq === head.seq) problems.push(`entry ${head.seq} of writer ${writer} was replaced`);
    else if (new Date(head.end) > now && !(erased && startOfSnapshot(head.snapshot) <= erased)) {
      problems.push(
        `snapshot ${head.snapshot} (number ${head.seq} of writer ${writer}) was seen here and is gone`,
      );
    }
  }
  for (const [writer, head] of Object.entries(seen.ledger)) {
    const present = hashOfLine(ledger, writer, head.seq);
    if (present === undefined)
      problems.push(`ledger line ${head.seq} of ${writer} was seen here and is gone`);
    else if (present !== head.sha256) problems.push(`ledger line ${head.seq} of ${writer} was replaced`);
  }
  return problems;
}
