/** The state of a set for monitors: from public entries only, no key needed. Pure, but for what it is given. */
import { manifestTrouble } from '../repository/catalog.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import { DAY_MS } from '../repository/rules.ts';

export interface SetStatus {
  readonly set: string;
  readonly ok: boolean;
  /** Why it is not ok; a sentence without a full stop. */
  readonly reason: string;
  readonly snapshots: number;
  readonly newest: string | undefined;
  readonly newestTime: string | undefined;
  /** Milliseconds since the newest snapshot was started; undefined when there is none. */
  readonly ageMs: number | undefined;
  /** The longest age that is fine. */
  readonly limitMs: number;
}

/** How old the newest snapshot may be when no `backup_every` is promised. */
export const DEFAULT_BACKUP_EVERY_MS = DAY_MS;
/** A run takes time and cron has jitter: this much of the interval is forgiven. */
export const GRACE = 1 / 8;

/**
 * Judges a set.
 * @param everyMs - the promised interval between backups
 * @param now - the store's clock
 * @param damaged - number of entries that could not be verified
 */
export function statusOf(
  set: string,
  entries: readonly CatalogEntry[],
  damaged: number,
  everyMs: number,
  now: Date,
): SetStatus {
  const live = entries.filter(({ entry }) => new Date(entry.end) > now);
  const newest = live.at(-1)?.entry;
  const ageMs = newest && now.getTime() - new Date(newest.time).getTime();
  const limitMs = everyMs * (1 + GRACE);
  const reason = reasonAgainst(ageMs, limitMs, damaged) ?? lostOf(live);
  return {
    set,
    ok: reason === undefined,
    reason: reason ?? 'fresh',
    snapshots: live.length,
    newest: newest?.snapshot,
    newestTime: newest?.time,
    ageMs,
    limitMs,
  };
}

/** The newest one first: what was lost there hurts most. */
function lostOf(live: readonly CatalogEntry[]): string | undefined {
  const lost = live.flatMap((item) => {
    const trouble = manifestTrouble(item);
    return trouble === undefined ? [] : [`${item.entry.snapshot} cannot be restored: ${trouble}`];
  });
  const first = lost.at(-1);
  return first === undefined || lost.length === 1 ? first : `${first}; and ${lost.length - 1} more like it`;
}

function reasonAgainst(ageMs: number | undefined, limitMs: number, damaged: number): string | undefined {
  if (ageMs === undefined) return 'there is no snapshot';
  if (ageMs > limitMs) return 'the newest snapshot is too old';
  if (ageMs < -DAY_MS) return 'the newest snapshot is from the future: a clock is wrong';
  if (damaged > 0) return `${damaged} entries cannot be verified`;
  return undefined;
}
