/** The locks that a purge gives to what it puts: as a backup does, by the policy of the set. */
import type { SetConfig } from '../../config/config.ts';
import type { PurgeLocks } from '../../purge/rewrite/amend.ts';
import { DAY_MS } from '../../repository/rules.ts';

/** By the store's clock. Cut to whole seconds: a store would round up, past the end of the life. */
export function purgeLocksOf({ objectLock }: SetConfig): (now: Date) => PurgeLocks {
  const inDays = (now: Date, days: number) =>
    new Date(Math.floor((now.getTime() + days * DAY_MS) / 1000) * 1000);
  return (now) => ({
    ofPack: (days) => objectLock && { mode: objectLock.mode, until: inDays(now, days) },
    ofManifest: () =>
      objectLock?.manifestDays === undefined
        ? undefined
        : { mode: 'governance', until: inDays(now, objectLock.manifestDays) },
  });
}
