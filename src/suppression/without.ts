/**
 * What a snapshot gives once everybody is left out whom the ledger has erased, also where a purge has not reached it:
 * this stands between every snapshot and whoever restores it. What cannot be told stops it.
 */
import { currentOf } from '../repository/catalog.ts';
import { pendingFor, purgesOf } from '../repository/purges.ts';
import { overrideUnknown, suppressionMissing, suppressionUnknown, wholeSetErased } from './errors.ts';
import type { Without, WithoutOptions } from './leave-out.ts';
import type { LeftOut } from './merge.ts';
import { listSuppression } from './objects.ts';
import type { FoundSuppression, Suppression } from './objects.ts';
import { readSuppressions } from './read.ts';
import type { Wanted } from './pick.ts';

export type { WithoutOptions };

/**
 * The reader of a snapshot without those who were erased.
 *
 * @throws HoldfastError SUPPRESSION_MISSING, SUPPRESSION_UNREADABLE, SUPPRESSION_UNKNOWN, SUPPRESSION_IMPOSSIBLE,
 *   SET_ERASED, SUPPRESSION_OVERRIDE, and what reading throws
 */
export async function withoutPurged(options: WithoutOptions, signal: AbortSignal): Promise<Without> {
  const suppressions = await suppressionsOf(options, signal);
  const purges = suppressions.map(({ purge }) => purge);
  if (suppressions.length === 0) return { reader: options.source, purges, rows: { deleted: 0, changed: 0 } };
  // Late: what finds people is a large part of the program, and mostly there is nobody to be found.
  const { leaveOut } = await import('./leave-out.ts');
  return { purges, ...(await leaveOut(suppressions, options, signal)) };
}

/** What is left out of a snapshot, for whoever reads single rows of it. */
export interface PurgedIn {
  readonly purges: readonly string[];
  readonly left: LeftOut;
}

/**
 * The edits that `withoutPurged` would carry out.
 * @throws HoldfastError as `withoutPurged`
 */
export async function purgedIn(options: WithoutOptions, signal: AbortSignal): Promise<PurgedIn> {
  const suppressions = await suppressionsOf(options, signal);
  const purges = suppressions.map(({ purge }) => purge);
  if (suppressions.length === 0) return { purges, left: { streams: new Map(), whole: new Map() } };
  const { locateAll } = await import('./leave-out.ts');
  const { mergeEdits } = await import('./merge.ts');
  return { purges, left: mergeEdits(await locateAll(suppressions, options, signal)) };
}

async function suppressionsOf(options: WithoutOptions, signal: AbortSignal): Promise<Suppression[]> {
  const { session, set, opener, now } = options;
  const listed = await listSuppression(session.store, set, signal);
  const wanted = wantedOf(options, listed);
  return readSuppressions(session, set, wanted, { opener, now, listed }, signal);
}

/** The purges of which this snapshot is not free, but for those that are allowed back. */
function wantedOf(
  { session, set, item, ledger, allowed, ledgerIsLost }: WithoutOptions,
  listed: readonly FoundSuppression[],
): Wanted[] {
  const { operators } = session;
  const purges = purgesOf(ledger, operators);
  const known = new Set(purges.map(({ id }) => id));
  const strange = [...new Set(listed.map(({ purge }) => purge))].filter((purge) => !known.has(purge));
  const [unknownToLedger] = strange.filter((purge) => !allowed.includes(purge));
  if (unknownToLedger !== undefined && !ledgerIsLost) throw suppressionUnknown(set, unknownToLedger);
  const pending = pendingFor(purges, {
    snapshot: item.entry.snapshot,
    revision: currentOf(item).revision,
    ledgerSeen: item.entry.ledger_seen,
  });
  const whole = pending.find(({ isWhole }) => isWhole);
  if (whole) throw wholeSetErased(set, whole.id);
  const all: Wanted[] = [...pending, ...strange.map((id) => ({ id, suppression: undefined }))];
  const ids = all.map(({ id }) => id);
  const unknown = allowed.find((purge) => !ids.includes(purge));
  if (unknown !== undefined) throw overrideUnknown(unknown, ids);
  // A purge of the ledger without suppression has none that could be taken for it.
  const missing = pending.find(({ id, suppression }) => !suppression && !allowed.includes(id));
  if (missing) throw suppressionMissing(set, missing.id);
  return all.filter(({ id }) => !allowed.includes(id));
}
