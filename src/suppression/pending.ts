/** Which purges a snapshot has not been through: by the ledger. Pure. */
import { z } from 'zod';
import type { Trust } from '../openpgp/trust.ts';
import { parseWith } from '../repository/entry.ts';
import type { LedgerHeads } from '../repository/entry.ts';
import { notAnOperator } from '../repository/errors.ts';
import type { Ledger, LedgerLine } from '../repository/ledger.ts';
import { own } from '../repository/records.ts';
import { PURGE_ID } from './objects.ts';
import type { SuppressionRef } from './objects.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const intentSchema = z.looseObject({
  id: z.string().regex(PURGE_ID),
  /** All snapshots of the set: nobody in particular. */
  whole: z.boolean().optional(),
  suppression: z.looseObject({ content: sha256, tokens: sha256, ends: z.iso.datetime() }).optional(),
});
const amendedSchema = z.looseObject({
  id: z.string(),
  amended: z.array(z.tuple([z.string(), z.int().positive()]).rest(z.unknown())),
  /** Snapshots in which the purge has found nobody, in this revision. */
  clear: z.array(z.tuple([z.string(), z.int().nonnegative()])).optional(),
});

/** A purge that the ledger has announced; a later line of it may announce further snapshots. */
export interface PurgeIntent {
  readonly id: string;
  readonly suppression: SuppressionRef | undefined;
  readonly isWhole: boolean;
  /** The first that announces it. */
  readonly line: LedgerLine;
}

/** Every purge of the set, in the order of the ledger. Throws MALFORMED, SIGNER_NOT_TRUSTED. */
export function purgeIntents(ledger: Ledger, operators: Trust): PurgeIntent[] {
  const found = new Map<string, PurgeIntent>();
  for (const line of linesOf(ledger, 'purge-intent', operators)) {
    const { id, suppression, whole } = parseWith(intentSchema, line.event, nameOf(line));
    const known = found.get(id);
    found.set(id, {
      id,
      suppression: known?.suppression ?? suppression,
      isWhole: whole === true || known?.isWhole === true,
      line: known?.line ?? line,
    });
  }
  return [...found.values()];
}

/** What counts of a snapshot. */
export interface SnapshotState {
  readonly snapshot: string;
  readonly revision: number;
  readonly ledgerSeen: LedgerHeads;
}

/**
 * The purges that have not removed their subjects from this revision of a snapshot: those must be left out of what is
 * read from it. A snapshot that was made after a purge is among them: whether the subject was still in the database then,
 * nobody knows before it is looked at. All of a set that was erased as a whole is pending but what knew of that.
 *
 * @throws HoldfastError MALFORMED; SIGNER_NOT_TRUSTED for lines of those who may not amend
 */
export function pendingPurges(
  ledger: Ledger,
  operators: Trust,
  { snapshot, revision, ledgerSeen }: SnapshotState,
): PurgeIntent[] {
  const done = new Set<string>();
  for (const line of linesOf(ledger, 'amended', operators)) {
    const { id, amended, clear } = parseWith(amendedSchema, line.event, nameOf(line));
    const covers = [...amended, ...(clear ?? [])].some(
      ([name, since]) => name === snapshot && since <= revision,
    );
    if (covers) done.add(id);
  }
  return purgeIntents(ledger, operators).filter((intent) =>
    intent.isWhole ? !knows(ledgerSeen, intent) : !done.has(intent.id),
  );
}

/** True when whoever has seen this much of the ledger knew of the purge. */
export function knows(seen: LedgerHeads, { line }: Pick<PurgeIntent, 'line'>): boolean {
  return (own(seen, line.writer)?.seq ?? 0) >= line.seq;
}

function linesOf({ lines }: Ledger, type: string, operators: Trust): LedgerLine[] {
  const found = lines.filter(({ event }) => event.type === type);
  for (const line of found) if (!operators.has(line.signer)) throw notAnOperator(nameOf(line), line.signer);
  return found;
}

function nameOf({ seq, writer, set }: LedgerLine): string {
  return `line ${seq} of ${writer} in the ledger of set ${set}`;
}
