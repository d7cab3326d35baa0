/** What a copy lacks of what this machine has seen in the store itself: all that can be said when the store is gone. Pure. */
import type { LedgerHeads } from '../repository/entry.ts';
import { own } from '../repository/records.ts';
import type { Seen } from '../repository/seen.ts';

export interface Behind {
  /** The ledger of the store went further: somebody may have been erased of whom the copy does not know. */
  readonly ledger: string | undefined;
  /** Newer snapshots were there. */
  readonly snapshots: string | undefined;
}

/**
 * Compares a copy with what was seen of its source.
 * @param entries - the newest entry of each writer in the copy
 * @param ledger - the heads of the copy's ledger
 */
export function behindSeen(seen: Seen, entries: Seen['entries'], ledger: LedgerHeads): Behind {
  const lines = Object.entries(seen.ledger).find(
    ([writer, { seq }]) => (own(ledger, writer)?.seq ?? 0) < seq,
  );
  const newer = Object.entries(seen.entries).flatMap(([writer, head]) => {
    const count = head.seq - (own(entries, writer)?.seq ?? 0);
    return count > 0 ? [{ count, snapshot: head.snapshot }] : [];
  });
  const count = newer.reduce((sum, one) => sum + one.count, 0);
  const last =
    newer
      .map(({ snapshot }) => snapshot)
      .sort()
      .at(-1) ?? '';
  return {
    ledger: lines && `line ${lines[1].seq} of ${lines[0]}`,
    snapshots:
      count === 0
        ? undefined
        : `${count} newer ${count === 1 ? 'snapshot was' : 'snapshots were'} seen in the store, up to ${last}`,
  };
}
