/** The requests of a set: what the ledger says of each, and whether it is late. Pure. */
import type { CatalogEntry } from '../../repository/catalog.ts';
import { knowsOf } from '../../repository/purges.ts';
import type { PurgeRecord } from '../../repository/purges.ts';
import { DAY_MS } from '../../repository/rules.ts';

export interface PurgeRequest {
  readonly id: string;
  readonly ref: string | undefined;
  /** A made-up name. */
  readonly subject: string;
  readonly whole: boolean;
  readonly since: string;
  /**
   * - `done`: no snapshot that lives has them
   * - `open`: announced, and not finished
   * - `reopened`: finished, and then a host that did not know of it made a snapshot
   */
  readonly state: 'done' | 'open' | 'reopened';
  readonly doneAt: string | undefined;
  /** Snapshots that live and that it has not reached. */
  readonly unreached: readonly string[];
  /** Writers whose newest snapshot does not show that they know of it. */
  readonly pending: readonly string[];
  /** By when it was promised; undefined: nothing was promised. */
  readonly due: string | undefined;
  readonly overdue: boolean;
}

/**
 * All requests, the oldest first.
 * @param entries - of the whole set
 * @param erasureWithinDays - as `promises.erasure_within` says
 * @param now - the store's clock
 */
export function requestsOf(
  purges: readonly PurgeRecord[],
  entries: readonly CatalogEntry[],
  erasureWithinDays: number | undefined,
  now: Date,
): PurgeRequest[] {
  const live = entries.filter(({ entry }) => new Date(entry.end) > now);
  return purges.map((purge) => {
    const { id, intent, isWhole, since, doneAt, free, removed } = purge;
    const unreached = live
      .map(({ entry }) => entry)
      .filter(({ snapshot, ledger_seen }) => {
        if (isWhole) return !knowsOf(ledger_seen, purge);
        if (free.has(snapshot) || removed.has(snapshot)) return false;
        return doneAt === undefined || !knowsOf(ledger_seen, purge);
      })
      .map(({ snapshot }) => snapshot);
    const state = doneAt === undefined ? 'open' : unreached.length > 0 ? 'reopened' : 'done';
    const due =
      erasureWithinDays === undefined
        ? undefined
        : new Date(new Date(since).getTime() + erasureWithinDays * DAY_MS);
    return {
      id,
      ref: intent.ref,
      subject: intent.subject,
      whole: isWhole,
      since,
      state,
      doneAt,
      unreached,
      pending: pendingWriters(purge, live),
      due: due?.toISOString(),
      overdue: due !== undefined && state !== 'done' && due < now,
    };
  });
}

function pendingWriters(purge: PurgeRecord, live: readonly CatalogEntry[]): string[] {
  const newest = new Map(live.map(({ entry }) => [entry.writer, entry]));
  return [...newest.values()]
    .filter(({ ledger_seen }) => !knowsOf(ledger_seen, purge))
    .map(({ writer }) => writer);
}
