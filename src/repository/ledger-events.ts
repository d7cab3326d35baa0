/**
 * What the lines of a ledger say about keys and snapshots. `rotation-intent` announces which snapshots are about to be
 * sealed anew, `amended` makes their new revisions count, `rotation-done` ends it. `purge-intent` and `purge-done` are
 * the same for a purge; what they mean for a snapshot is in `purges.ts`. A note only tells (`drills.ts`). Whatever else
 * a line says is for a later version: readers stop there, since it may be that somebody was erased.
 */
import { z } from 'zod';
import type { Trust } from '../openpgp/trust.ts';
import { parseWith } from './entry.ts';
import { notAnOperator } from './errors.ts';
import { CHAIN_NAME, PACK_REF, SET_NAME, SNAPSHOT_ID } from './layout.ts';
import { byTime } from './ledger.ts';
import type { Ledger, LedgerLine } from './ledger.ts';

const fingerprint = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
const place = z.int().nonnegative();
const id = z.string().regex(/^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/);

const intentSchema = z.looseObject({
  type: z.literal('rotation-intent'),
  id,
  recipients: z.array(fingerprint).min(1),
  snapshots: z.array(z.string().regex(SNAPSHOT_ID)),
});
const amendedSchema = z.looseObject({
  type: z.literal('amended'),
  id,
  /** Snapshot, its revision from now on, and the SHA-256 of the amendment that says what it is. */
  amended: z.array(
    z.tuple([z.string().regex(SNAPSHOT_ID), z.int().positive(), z.string().regex(/^[0-9a-f]{64}$/)]),
  ),
  /** Of a purge: snapshots that were looked through, and the subject is not in them; with their revisions. */
  clear: z.array(z.tuple([z.string().regex(SNAPSHOT_ID), z.int().nonnegative()])).optional(),
  /** Of a purge: revisions that were said to be free of the subject, and are not: looked at once more before the end. */
  left: z.array(z.tuple([z.string().regex(SNAPSHOT_ID), z.int().nonnegative()])).optional(),
  /** Of a purge: snapshots that ended within the day, whose manifests it removed instead. */
  removed: z.array(z.string().regex(SNAPSHOT_ID)).optional(),
  /** Sealed segments that lie in other packs from now on; see `moves.ts`. Then `id` is that of the moving alone. */
  moved: z
    .array(
      z.tuple([
        z.string().regex(SET_NAME),
        z.int().positive(),
        z.string().regex(PACK_REF),
        z.array(z.tuple([place, z.int().positive(), z.string().regex(PACK_REF), place])),
      ]),
    )
    .optional(),
  /** The new packs, with their sizes. */
  packs: z.array(z.tuple([z.string().regex(PACK_REF), z.int().positive()])).optional(),
});
const doneSchema = z.looseObject({ type: z.literal('rotation-done'), id });

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const purgeIntentSchema = z.looseObject({
  type: z.literal('purge-intent'),
  id,
  /** Ticket or letter, as the operator named it: for people. */
  ref: z.string().max(200).optional(),
  /** A made-up name: who it is says nobody but the request itself. */
  subject: z.string().max(100),
  /** All snapshots of the set go, whoever is in them. */
  whole: z.boolean().optional(),
  /** With `whole`: chains (WRITER-NUMBER) that were there when it was announced, and go; clocks alone cannot tell. */
  chains: z.array(z.string().regex(CHAIN_NAME)).optional(),
  /** Of the subject map's text; absent with `whole`. */
  map: sha256.optional(),
  /** Of the plan, as it was signed. */
  plan: sha256,
  /** What keeps them from coming back; see `suppression/objects.ts`. */
  suppression: z.looseObject({ content: sha256, tokens: sha256, ends: z.iso.datetime() }).optional(),
  /** Snapshots that get a new revision. Absent in them: nothing was found, or the purge does not know of it yet. */
  snapshots: z.array(z.string().regex(SNAPSHOT_ID)),
  /** Packs with erased segments are to be replaced: the purge is not done while one is there that no lock holds. */
  rewrite_packs: z.boolean().optional(),
  /** Who else wanted it: a signed statement as a whole; see `purge/apply/approval.ts`. */
  approval: z.string().max(16_384).optional(),
});
const purgeDoneSchema = z.looseObject({
  type: z.literal('purge-done'),
  id,
  /** Of the receipt. */
  receipt: sha256,
});

/** Somebody restored a snapshot with people whom these purges erased, or without a ledger: said, and nothing else. */
const overrideSchema = z.looseObject({
  type: z.literal('suppression-override'),
  id,
  snapshot: z.string().regex(SNAPSHOT_ID),
  purges: z.array(id),
  without_ledger: z.boolean(),
});

export type PurgeIntent = z.infer<typeof purgeIntentSchema>;
export type SuppressionOverride = z.infer<typeof overrideSchema>;
export type PurgeDone = z.infer<typeof purgeDoneSchema>;
export type RotationIntent = z.infer<typeof intentSchema>;
export type AmendedEvent = z.infer<typeof amendedSchema>;
export type RotationDone = z.infer<typeof doneSchema>;
export type LedgerEvent =
  RotationIntent | AmendedEvent | RotationDone | PurgeIntent | PurgeDone | SuppressionOverride;

const SCHEMAS: Readonly<Record<string, z.ZodType<LedgerEvent>>> = {
  'rotation-intent': intentSchema,
  amended: amendedSchema,
  'rotation-done': doneSchema,
  'purge-intent': purgeIntentSchema,
  'purge-done': purgeDoneSchema,
  'suppression-override': overrideSchema,
};

/** Lines that may retire segments: what else retires them asks for more than this version knows. */
const RETIRING: readonly string[] = ['purge-intent'];

/** True when this version does everything that the line asks of a reader. */
export function isApplicable({ event }: LedgerLine): boolean {
  if (isNote(event)) return true;
  if (!schemaOf(event)) return false;
  return (event.retired ?? []).length === 0 || RETIRING.includes(event.type);
}

/** It says of itself that it changes nothing for anybody; what has a meaning keeps it, whatever it says of itself. */
function isNote(event: LedgerLine['event']): boolean {
  return event['note'] === true && event.retired === undefined && !Object.hasOwn(SCHEMAS, event.type);
}

/** Lines of purges that lack what makes them one are none that this version could follow: readers stop there. */
function schemaOf({ type, ...event }: LedgerLine['event']): z.ZodType<LedgerEvent> | undefined {
  if (type === 'purge-intent' && event['id'] === undefined) return undefined;
  if (type === 'purge-done' && event['receipt'] === undefined) return undefined;
  return Object.hasOwn(SCHEMAS, type) ? SCHEMAS[type] : undefined;
}

/** The events that this version knows, in the order of reading. Throws MALFORMED. */
export function knownEvents(ledger: Ledger): (LedgerEvent & { readonly line: LedgerLine })[] {
  return ledger.lines.flatMap((line) => {
    const schema = schemaOf(line.event);
    return schema ? [{ ...parseWith(schema, line.event, nameOf(line)), line }] : [];
  });
}

/** What the ledger says about the revisions of one snapshot. */
export interface NamedRevision {
  /** The highest that is named; 0 when none is. */
  readonly revision: number;
  /** SHA-256 of the amendments that may have it; two lines may name one revision when leases did not hold. */
  readonly sha256: readonly string[];
  /** An intent has announced it: an amendment that no line names belongs to a run that did not finish. */
  readonly announced: boolean;
}

/**
 * Which revision of each snapshot counts.
 * @throws HoldfastError SIGNER_NOT_TRUSTED when a host amends: it may add snapshots, not replace them
 */
export function namedRevisions(ledger: Ledger, operators: Trust): Map<string, NamedRevision> {
  const found = new Map<string, NamedRevision>();
  const of = (snapshot: string) => found.get(snapshot) ?? { revision: 0, sha256: [], announced: false };
  for (const event of knownEvents(ledger)) {
    mustBeOperator(event.line, operators);
    if (event.type === 'rotation-intent' || event.type === 'purge-intent')
      for (const snapshot of event.snapshots) found.set(snapshot, { ...of(snapshot), announced: true });
    if (event.type !== 'amended') continue;
    for (const [snapshot, revision, sha256] of event.amended) {
      const known = of(snapshot);
      if (revision > known.revision) found.set(snapshot, { ...known, revision, sha256: [sha256] });
      else if (revision === known.revision)
        found.set(snapshot, { ...known, sha256: [...known.sha256, sha256] });
    }
  }
  return found;
}

/** What changes what a snapshot gives, a host may not say. Throws SIGNER_NOT_TRUSTED. */
export function mustBeOperator(line: LedgerLine, operators: Trust): void {
  if (!operators.has(line.signer)) throw notAnOperator(nameOf(line), line.signer);
}

function nameOf({ seq, writer, set }: LedgerLine): string {
  return `line ${seq} of ${writer} in the ledger of set ${set}`;
}

/** The rotations that were announced and are not done yet, the last one last. */
export function openIntents(ledger: Ledger): RotationIntent[] {
  const events = knownEvents(ledger);
  const done = new Set(events.filter((event) => event.type === 'rotation-done').map((event) => event.id));
  return events
    .filter((event) => event.type === 'rotation-intent')
    .filter((event) => !done.has(event.id))
    .toSorted((a, b) => byTime(a.line, b.line));
}
