/** What the ledger has erased from a snapshot that a purge has not reached: nobody is shown or given to anybody. */
import { HoldfastError } from '../../errors.ts';
import type { ErasedRows } from '../../purge/locate/erased.ts';
import type { SnapshotInput } from '../../purge/locate/prepare.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import type { LiveSnapshots } from './live-snapshots.ts';

export interface ErasedIn {
  /** Purges that this revision of the snapshot has not been through. */
  readonly purges: readonly string[];
  readonly rows: ErasedRows;
}

/**
 * Finds it, as a restore would.
 * @throws HoldfastError SUPPRESSION_MISSING and whatever else stops a restore
 */
export async function erasedIn(
  live: LiveSnapshots,
  { item, manifest }: SnapshotInput,
  map: SubjectMap,
  signal: AbortSignal,
): Promise<ErasedIn> {
  const { purgedIn } = await import('../../suppression/without.ts');
  const { SnapshotReader } = await import('../../restore/reader.ts');
  const { session, set, pool, opener, view } = live;
  const { purges, left } = await purgedIn(
    {
      ...{ session, set: set.name, item, manifest, pool, opener },
      source: new SnapshotReader(session.store, manifest, pool),
      ledger: view.ledger,
      now: view.now,
      allowed: [],
      ledgerIsLost: false,
      mapOfToday: () => Promise.resolve(map),
    },
    signal,
  );
  return { purges, rows: left };
}

export function subjectErased(set: string, snapshot: string, purges: readonly string[]): HoldfastError {
  return new HoldfastError({
    code: 'SUBJECT_ERASED',
    exit: 'policy',
    message: `purge ${purges.join(', ')} has erased them, and has not reached snapshot ${snapshot}: nothing is given of it`,
    hint: `Finish it: holdfast purge resume ${set} -o RECEIPT.json. A restore leaves them out, too.`,
  });
}
