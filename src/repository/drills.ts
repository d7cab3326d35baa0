/**
 * What the ledger of a set says about drills: which snapshot was restored for real, what came of it, how long it took.
 * Such a line only tells (`note`): whoever does not know its type goes on. It names no tables, no checks, no people.
 */
import { z } from 'zod';
import type { Trust } from '../openpgp/trust.ts';
import { SNAPSHOT_ID } from './layout.ts';
import { byTime } from './ledger.ts';
import type { Ledger, LedgerLine } from './ledger.ts';

/** `not-run`: nothing is known of the snapshot, since this machine or a server could not try. */
const DRILL_OUTCOMES = ['verified', 'failed', 'not-run'] as const;
export type DrillOutcome = (typeof DRILL_OUTCOMES)[number];

/**
 * In their order. `find`: store, ledger, entries; `open`: the manifest, and who is left out; `prepare`: a scratch server;
 * `load`: until the rows are counted; `check`: what is looked at afterwards.
 */
export const DRILL_STAGES = ['find', 'open', 'prepare', 'load', 'check'] as const;
export type DrillStage = (typeof DRILL_STAGES)[number];

const milliseconds = z.int().nonnegative();
const count = z.int().nonnegative();

const drillSchema = z.looseObject({
  type: z.literal('drill'),
  note: z.literal(true),
  id: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/),
  snapshot: z.string().regex(SNAPSHOT_ID),
  /** SHA-256 of the sealed manifest that counted then: which content it was. */
  manifest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Who chose it: the newest, a random one, one of all, or one that was named. */
  picked: z.enum(['newest', 'random', 'all', 'named']),
  outcome: z.enum(DRILL_OUTCOMES),
  /** Codes of what was wrong, sorted; none when verified. */
  reasons: z.array(z.string().regex(/^[A-Z][A-Z0-9_]{1,63}$/)).max(100),
  /** By the store's clock; the line's own time is when it was over. */
  started: z.iso.datetime({ precision: 3 }),
  /** How long each stage took that was reached. */
  stages: z.partialRecord(z.enum(DRILL_STAGES), milliseconds),
  /** What a restore takes: find, open and load. Absent when it did not get that far. */
  rto_ms: milliseconds.optional(),
  /** What would have been lost at `started`: the age of the set's newest snapshot. */
  rpo_ms: milliseconds,
  /** Product and version, and whether it was a server of the drill's own: `PostgreSQL 15.20`. */
  server: z.string().max(100).optional(),
  own_server: z.boolean().optional(),
  tables: count.optional(),
  rows: count.optional(),
  /** Bytes of the dump. */
  bytes: count.optional(),
  /** Checks of the configuration. */
  checks: z.looseObject({ passed: count, failed: count, unknown: count }).optional(),
  /** Purges for which was looked that nobody is back. */
  purges: count.optional(),
});

/** As it stands in a line; names as in the ledger. */
export type DrillEvent = z.infer<typeof drillSchema>;

export interface DrillRecord extends DrillEvent {
  /** The line of the ledger: `line.time` is when it was over, `line.signer` who says so. */
  readonly line: LedgerLine;
}

/**
 * All drills of a set, in the order in which they ended. Only an operator's word counts: a host that was taken over
 * could say that all is well. A line that is not as it should be is no evidence, and nothing else is wrong with it.
 */
export function drillsOf({ lines }: Pick<Ledger, 'lines'>, operators: Pick<Trust, 'has'>): DrillRecord[] {
  return lines
    .flatMap((line) => {
      if (line.event.type !== 'drill' || !operators.has(line.signer)) return [];
      const parsed = drillSchema.safeParse(line.event);
      return parsed.success ? [{ ...parsed.data, line }] : [];
    })
    .toSorted((a, b) => byTime(a.line, b.line));
}

/** The last one that was verified; undefined when none was. */
export function lastVerified(drills: readonly DrillRecord[]): DrillRecord | undefined {
  return drills.findLast(({ outcome }) => outcome === 'verified');
}
