/**
 * Sealed exports past their time, in a store that removes nothing by itself. What the ledger knows goes by its signed `end`, as
 * a snapshot does; parts that no line names (a run that died) go by their age.
 */
import { readLedger } from '../repository/ledger.ts';
import { SEALED } from '../repository/layout.ts';
import { parseSealedKey, sealEvents } from '../repository/sealed.ts';
import { earliestEnd } from '../repository/rules.ts';
import type { Session } from '../repository/session.ts';
import type { ObjectInfo, Store } from '../stores/store.ts';

export interface SealedRemains {
  readonly keys: readonly string[];
  readonly exports: number;
  readonly bytes: number;
}

/** What is past its time. Pure. */
function pastTheirTime(
  objects: readonly ObjectInfo[],
  ends: ReadonlyMap<string, Date>,
  now: Date,
): SealedRemains {
  const gone = objects.flatMap((object) => {
    const place = parseSealedKey(object.key);
    if (place === undefined) return [];
    const end = ends.get(place.id) ?? earliestEnd(object.modified, place.days);
    return end <= now ? [{ ...object, id: place.id }] : [];
  });
  return {
    keys: gone.map(({ key }) => key),
    exports: new Set(gone.map(({ id }) => id)).size,
    bytes: gone.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Looks for it; changes nothing. */
export async function readSealedRemains(
  session: Session<Store>,
  signal: AbortSignal,
): Promise<SealedRemains> {
  const { store } = session;
  const lives = (await store.folders('', signal)).filter((name) => name.startsWith('keep-'));
  const objects: ObjectInfo[] = [];
  for (const life of lives)
    for await (const object of store.list(`${life}/${SEALED}/`, signal)) objects.push(object);
  if (objects.length === 0) return { keys: [], exports: 0, bytes: 0 };
  const events = sealEvents(await readLedger(session, SEALED, signal));
  const ends = events.flatMap((event) =>
    event.type === 'sealed' && event.stored ? [[event.id, new Date(event.stored.end)] as const] : [],
  );
  return pastTheirTime(objects, new Map(ends), await store.now(signal));
}
