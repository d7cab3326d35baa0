/** Which of the objects of a purge counts. */
import { isSurvivable, reasonOf } from '../errors.ts';
import type { Session } from '../repository/session.ts';
import type { FoundSuppression, SuppressionRef } from './objects.ts';

export type ReadingSession = Pick<Session, 'store' | 'id' | 'operators'>;

/** A purge whose suppression is wanted. */
export interface Wanted {
  readonly id: string;
  /** What the ledger says of it; undefined where a person goes on without a ledger: then any that an operator signed. */
  readonly suppression: SuppressionRef | undefined;
}

/** The objects of one purge, the newest first: that one is sealed to the recipients of today. */
export function objectsOf(
  { id }: Wanted,
  listed: readonly FoundSuppression[],
  kind: FoundSuppression['kind'],
) {
  const objects = listed.filter((object) => object.purge === id && object.kind === kind);
  return { purge: id, objects: objects.sort((a, b) => b.revision - a.revision) };
}

/** True when nothing is there and nothing need be: everything that it was for has ended. */
export function hasEnded({ suppression }: Wanted, objects: readonly unknown[], now: Date): boolean {
  return objects.length === 0 && suppression !== undefined && new Date(suppression.ends) < now;
}

/** The first that is what the ledger names; several may lie there when a run was interrupted, or keys changed. */
export async function firstSound<T>(
  objects: readonly FoundSuppression[],
  open: (object: FoundSuppression) => Promise<T | undefined>,
  failed: (reason: string, cause: unknown) => Error,
): Promise<T> {
  let failure: unknown;
  for (const object of objects) {
    try {
      const opened = await open(object);
      if (opened !== undefined) return opened;
    } catch (error) {
      if (!isSurvivable(error)) throw error;
      failure ??= error;
    }
  }
  if (objects.length === 0) throw failed('the object is gone', undefined);
  throw failed(
    failure === undefined ? 'none of the objects is the one that the ledger names' : reasonOf(failure),
    failure,
  );
}
