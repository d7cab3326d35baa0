/** The plan of a purge: who it is about and what it was seen to do, sealed and signed, since it names a person. */
import { z } from 'zod';
import type { MessageOpener } from '../../openpgp/message.ts';
import { MessageSealer } from '../../openpgp/message.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { Trust } from '../../openpgp/trust.ts';
import { sha256Hex } from '../../repository/entry.ts';
import { SET_NAME, SNAPSHOT_ID } from '../../repository/layout.ts';
import type { Subject } from '../../subjects/closure.ts';
import { planUnreadable } from '../errors.ts';
import { scanSchema } from '../scan/scan-report.ts';
import { estimateSchema, plannedPlaceSchema } from './planned-place.ts';
import { tableCountsSchema } from './table-counts.ts';

const whole = z.int().nonnegative();

const snapshotSchema = z.object({
  snapshot: z.string().regex(SNAPSHOT_ID),
  revision: whole,
  /** SHA-256 of its manifest, when it was looked through. */
  manifest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  /** By table; empty: they are not in it. */
  tables: z.record(z.string(), tableCountsSchema),
});

/** See `Findings` (src/purge/locate/located.ts). */
const findingsSchema = z.object({
  asked: z.string().regex(/^[0-9a-f]{64}$/),
  units: z.array(z.string()).readonly(),
});

const planSchema = z.object({
  format: z.literal(1),
  kind: z.literal('purge-plan'),
  store: z.uuid(),
  set: z.string().regex(SET_NAME),
  id: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/),
  /** On one line: the receipt's page shows it, and who has planned is not always who applies. */
  ref: z
    .string()
    .max(200)
    .regex(/^\P{Cc}*$/u)
    .optional(),
  /** What the ledger and the receipt call the subjects. */
  alias: z.string().max(100),
  time: z.iso.datetime(),
  /** Everything of the set goes. */
  whole: z.boolean(),
  /** Of the subject map; empty with `whole`. */
  map: z.string(),
  subjects: z.array(z.object({ by: z.array(z.string()), known: z.array(z.tuple([z.string(), z.string()])) })),
  /** 32 bytes, hex: a run that goes on with it makes the same pseudonyms. */
  pseudonyms: z.string().regex(/^[0-9a-f]{64}$/),
  /** All snapshots that the set had, oldest first. */
  snapshots: z.array(snapshotSchema),
  /** The store itself first, then each copy; empty in plans from before this was said. */
  places: z.array(plannedPlaceSchema).default([]),
  /** What mentions them elsewhere; absent where nobody has asked for it. */
  scan: scanSchema.optional(),
  /** Where their rows were found; absent with `whole`, and in plans from before this was said. */
  found: findingsSchema.optional(),
  /** Absent with `whole`. */
  estimate: estimateSchema.optional(),
});

export type PlannedSnapshot = z.infer<typeof snapshotSchema>;

export interface PurgePlan extends Omit<z.infer<typeof planSchema>, 'subjects' | 'format' | 'kind' | 'ref'> {
  readonly ref: string | undefined;
  readonly subjects: readonly Subject[];
  /** Of the plan as a file: what the ledger names. */
  readonly sha256: string;
  /** Of the map's text. */
  readonly mapSha256: string;
  /** Fingerprint of who has signed it. */
  readonly signer: string;
}

/** Seals a plan to those who can restore, signed by who makes it. */
export async function sealPlan(
  plan: Omit<PurgePlan, 'sha256' | 'mapSha256' | 'signer'>,
  recipients: readonly openpgp.PublicKey[],
  signer: openpgp.PrivateKey,
): Promise<Buffer> {
  const subjects = plan.subjects.map(({ by, known }) => ({ by, known: [...known] }));
  const text = JSON.stringify({ format: 1, kind: 'purge-plan', ...plan, subjects });
  return new MessageSealer(recipients, signer).seal(Buffer.from(`${text}\n`, 'utf8'));
}

/**
 * Opens a plan.
 * @param operators - recipients and purge signers: one of them must have signed it
 * @throws HoldfastError PLAN_UNREADABLE, KEY_DOES_NOT_OPEN, SIGNER_NOT_TRUSTED, DAMAGED
 */
export async function openPlan(
  sealed: Buffer,
  opener: MessageOpener,
  operators: Trust,
  what: string,
): Promise<PurgePlan> {
  const { plain, signer } = await opener.open(sealed, operators, what);
  const parsed = planSchema.safeParse(parseJson(plain, what));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw planUnreadable(what, `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim());
  }
  const { subjects, ref, format: _format, kind: _kind, ...plan } = parsed.data;
  return {
    ...plan,
    ref,
    subjects: subjects.map(({ by, known }) => ({ by, known: new Map(known) })),
    sha256: sha256Hex(sealed),
    mapSha256: sha256Hex(Buffer.from(plan.map, 'utf8')),
    signer,
  };
}

function parseJson(plain: Buffer, what: string): unknown {
  try {
    return JSON.parse(plain.toString('utf8'));
  } catch {
    throw planUnreadable(what, 'it is not JSON');
  }
}
