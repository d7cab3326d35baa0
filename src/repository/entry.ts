/** The entry: the public, signed line about a snapshot, written last. It holds no personal data and no table names. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import { formatTooNew, malformed } from './errors.ts';
import { FORMAT, KEEP_DAYS_MAX, PACK_REF, SET_NAME, SNAPSHOT_ID, startOfSnapshot } from './layout.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const time = z.iso.datetime({ precision: 3 });
const whole = z.int().nonnegative();

export const headsSchema = z.record(z.string(), z.strictObject({ seq: z.int().positive(), sha256 }));
/** Per ledger writer: the last line that was seen. */
export type LedgerHeads = z.infer<typeof headsSchema>;

/** What entry and manifest both state, and readers compare with each other and with the path. */
export const bindingShape = {
  format: z.literal(FORMAT),
  store: z.uuid(),
  set: z.string().regex(SET_NAME),
  snapshot: z.string().regex(SNAPSHOT_ID),
  writer: z.string().regex(SET_NAME),
  chain: z.int().positive(),
  seq: z.int().positive(),
  revision: whole,
  /** When the run started, by the store's clock. */
  time,
  /** Readable at least until then. */
  end: time,
  keep_days: z.int().positive().max(KEEP_DAYS_MAX),
  pack_days: z.int().positive().max(KEEP_DAYS_MAX),
  ledger_seen: headsSchema,
  recipients: z.array(z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/)).min(1),
};

export type Binding = z.infer<z.ZodObject<typeof bindingShape>>;

/**
 * Room to grow within a format: keys that a reader does not know are ignored, unless `needs` names something that a
 * reader must understand. This version understands nothing of that kind, so any name stops it.
 */
export const growthShape = { needs: z.array(z.string()).optional() };

/** Every pack that a snapshot needs, once, in order: reference and size in bytes. */
export const packsSchema = z
  .array(z.tuple([z.string().regex(PACK_REF), whole]))
  .refine((packs) => packs.every(([ref], at) => at === 0 || (packs[at - 1]?.[0] ?? '') < ref), {
    error: 'is not sorted, or names a pack twice',
  });

const entrySchema = z.looseObject({
  kind: z.literal('entry'),
  ...growthShape,
  ...bindingShape,
  full: z.boolean(),
  manifest: z.strictObject({ sha256, bytes: whole }),
  packs: packsSchema,
  /** The writer's entry before this one; null for its first. */
  prev: z
    .strictObject({ snapshot: z.string().regex(SNAPSHOT_ID), seq: z.int().positive(), sha256, end: time })
    .nullable(),
  counts: z.strictObject({
    segments: whole,
    new_segments: whole,
    plain_bytes: whole,
    /** Bytes that this run added to the store, without the entry. */
    new_bytes: whole,
    duration_ms: whole,
  }),
  source: z.string(),
  tool: z.string(),
});
export type Entry = z.infer<typeof entrySchema>;

/** Checks the shape of an entry that was read and verified. */
export function parseEntry(value: unknown, what: string): Entry {
  const entry = parseWith(entrySchema, value, what);
  if (entry.revision !== 0) throw malformed(what, 'an entry has revision 0');
  if (entry.seq !== (entry.prev?.seq ?? 0) + 1)
    throw malformed(what, 'its number does not follow the one before');
  if (startOfSnapshot(entry.snapshot).getTime() !== Math.floor(new Date(entry.time).getTime() / 1000) * 1000)
    throw malformed(what, 'its name does not start with its time');
  return entry;
}

/** Parses with a schema; a newer format is told apart from damage. */
export function parseWith<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const { format, needs } = (value ?? {}) as { format?: unknown; needs?: unknown };
  if (typeof format === 'number' && format > FORMAT) throw formatTooNew(what, format);
  if (Array.isArray(needs) && needs.length > 0)
    throw formatTooNew(what, `${FORMAT} with ${needs.join(', ')}`);
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw malformed(what, `${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is wrong'}`.trim());
}

export function sha256Hex(bytes: Uint8Array): string {
  return hash('sha256', bytes, 'hex');
}
