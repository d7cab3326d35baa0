/** Going on with a purge without its plan: by what the ledger and its suppression say. */
import { randomBytes } from 'node:crypto';
import type { PurgeRecord } from '../../repository/purges.ts';
import type { Suppression } from '../../suppression/objects.ts';
import type { PurgePlan } from '../plan/request.ts';

/**
 * The plan of a purge that was begun, as far as it is needed to finish it.
 * @param store - the store's id
 */
export function planOfBegun(
  { id, intent, isWhole, since }: PurgeRecord,
  { map, subjects }: Pick<Suppression, 'map' | 'subjects'>,
  { store, set, signer }: { readonly store: string; readonly set: string; readonly signer: string },
): PurgePlan {
  return {
    store,
    set,
    id,
    ref: intent.ref,
    alias: intent.subject,
    time: since,
    whole: isWhole,
    map,
    subjects,
    pseudonyms: randomBytes(32).toString('hex'),
    snapshots: [],
    places: [],
    sha256: intent.plan,
    mapSha256: intent.map ?? '',
    signer,
  };
}
