/** Reads the catalogues of a store and its copy, to say how far the copy is behind. */
import { readCatalog } from '../repository/catalog.ts';
import type { Catalog } from '../repository/catalog.ts';
import { readLedger } from '../repository/ledger.ts';
import type { Session } from '../repository/session.ts';
import { levelOf } from './level.ts';
import type { CopyLevel } from './level.ts';

/** What one side shows, by its own ledger. */
export async function readSide(session: Session, set: string, signal: AbortSignal): Promise<Catalog> {
  return readCatalog(session, set, await readLedger(session, set, signal), signal);
}

/** How far a copy is behind its source now. */
export async function readLevel(
  source: Session,
  copy: Session,
  set: string,
  signal: AbortSignal,
): Promise<CopyLevel> {
  const [here, there] = [await readSide(source, set, signal), await readSide(copy, set, signal)];
  return levelOf(here.entries, there.entries, await source.store.now(signal));
}
