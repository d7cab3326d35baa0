/** Reading suppression: whom the purges that a snapshot has not been through are about. */
import type { MessageOpener } from '../openpgp/message.ts';
import { sha256Hex } from '../repository/entry.ts';
import { suppressionMissing, suppressionUnreadable } from './errors.ts';
import { listSuppression, parseSuppression } from './objects.ts';
import type { FoundSuppression, Suppression } from './objects.ts';
import { firstSound, hasEnded, objectsOf } from './pick.ts';
import type { ReadingSession, Wanted } from './pick.ts';

export interface ReadOptions {
  readonly opener: MessageOpener;
  /** The store's clock. */
  readonly now: Date;
  /** What lies there, when that is known. */
  readonly listed?: readonly FoundSuppression[];
}

/**
 * Opens the suppression of these purges. One that is gone is no error after its end: then everything that it was
 * needed for has ended, too.
 *
 * @throws HoldfastError SUPPRESSION_MISSING, SUPPRESSION_UNREADABLE, CANCELLED
 */
export async function readSuppressions(
  session: ReadingSession,
  set: string,
  wanted: readonly Wanted[],
  { opener, now, ...known }: ReadOptions,
  signal: AbortSignal,
): Promise<Suppression[]> {
  if (wanted.length === 0) return [];
  const listed = known.listed ?? (await listSuppression(session.store, set, signal));
  const found: Suppression[] = [];
  for (const one of wanted) {
    const { purge, objects } = objectsOf(one, listed, 'sealed');
    if (hasEnded(one, objects, now)) continue;
    if (objects.length === 0) throw suppressionMissing(set, purge);
    const content = one.suppression?.content;
    const open = (object: FoundSuppression) => openSealed(session, set, { object, content }, opener, signal);
    found.push(
      await firstSound(objects, open, (reason, cause) => suppressionUnreadable(set, purge, reason, cause)),
    );
  }
  return found;
}

async function openSealed(
  { store, id, operators }: ReadingSession,
  set: string,
  {
    object: { key, purge },
    content,
  }: { readonly object: FoundSuppression; readonly content: string | undefined },
  opener: MessageOpener,
  signal: AbortSignal,
): Promise<Suppression | undefined> {
  const sealed = await store.get(key, undefined, signal);
  const { plain } = await opener.open(sealed, operators, key);
  if (content !== undefined && sha256Hex(plain) !== content) return undefined;
  return parseSuppression(plain, { store: id, set, purge }, key);
}
