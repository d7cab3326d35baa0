/**
 * The amendment: the public, signed statement that a snapshot has a new manifest, after a change of recipients or a
 * purge. It counts only when the ledger names it by its hash: that line is the commit point, and until then readers
 * take the revision before.
 */
import { z } from 'zod';
import { bindingShape, growthShape, packsSchema, parseWith } from './entry.ts';
import type { Binding, Entry } from './entry.ts';
import { boundElsewhere, malformed } from './errors.ts';
import { KEEP_DAYS_MAX } from './layout.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const amendmentSchema = z.looseObject({
  kind: z.literal('amendment'),
  ...growthShape,
  ...bindingShape,
  revision: z.int().positive(),
  /** The days of the prefix under which it and its manifest were written: what was left of the original's. */
  life: z.int().positive().max(KEEP_DAYS_MAX),
  /** `rotation`, or what a later version knows; for people. */
  reason: z.string(),
  /** The rotation or purge that this belongs to, as in the ledger. */
  request: z.string(),
  manifest: z.strictObject({ sha256, bytes: z.int().nonnegative() }),
  packs: packsSchema,
  /** Of the entry's bytes. */
  entry: sha256,
});
export type Amendment = z.infer<typeof amendmentSchema>;

/** What an amendment may change of what its entry states. */
const CHANGEABLE: readonly string[] = ['revision', 'ledger_seen', 'recipients'] satisfies (keyof Binding)[];

/**
 * Checks the shape of an amendment that was read and verified, and that it amends this entry.
 * @throws HoldfastError MALFORMED, FORMAT_UNKNOWN, BOUND_ELSEWHERE
 */
export function parseAmendment(
  value: unknown,
  { entry, sha256: entrySha256 }: { readonly entry: Entry; readonly sha256: string },
  place: { readonly revision: number; readonly days: number },
  what: string,
): Amendment {
  const amendment = parseWith(amendmentSchema, value, what);
  for (const field of Object.keys(bindingShape) as (keyof Binding)[]) {
    const [found, expected] = [JSON.stringify(amendment[field]), JSON.stringify(entry[field])];
    if (!CHANGEABLE.includes(field) && found !== expected) throw boundElsewhere(what, field, expected, found);
  }
  if (amendment.revision !== place.revision)
    throw boundElsewhere(what, 'revision', String(place.revision), String(amendment.revision));
  if (amendment.entry !== entrySha256) throw boundElsewhere(what, 'entry', entrySha256, amendment.entry);
  // In a copy it lies under what was left when it was copied; never under more.
  if (place.days > amendment.life)
    throw boundElsewhere(what, 'place', `${amendment.life} days at most`, `${place.days} days`);
  if (amendment.life > entry.keep_days) throw malformed(what, 'it lives longer than its snapshot');
  return amendment;
}

/** Only what binds: manifest, entry and amendment state the same fields. */
export function bindingOf(stated: Binding): Binding {
  const fields = Object.keys(bindingShape) as (keyof Binding)[];
  return Object.fromEntries(fields.map((field) => [field, stated[field]])) as Binding;
}
