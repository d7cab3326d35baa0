/** What `expire` decides from, read from a store; `plan-expire.ts` decides. */
import { join } from 'node:path';
import { z } from 'zod';
import { newestByWriter, readCatalog } from '../repository/catalog.ts';
import type { Catalog, CatalogEntry } from '../repository/catalog.ts';
import { rolledBack } from '../repository/errors.ts';
import { packKey, parseSnapshotKey } from '../repository/layout.ts';
import { readLedger } from '../repository/ledger.ts';
import { erasedUntil } from '../repository/purges.ts';
import { findRollback, readSeen } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { readState, writeState } from '../repository/state-files.ts';
import type { Store } from '../stores/store.ts';
import { mayHaveVersions } from './apply-lifecycle.ts';
import { listMortal } from './objects.ts';
import type { ExpireFacts, VerifiedSnapshot } from './plan-expire.ts';

/** What only a person can say. */
export interface ExpireChoices {
  readonly evenLast: boolean;
  readonly trustClock: boolean;
}

/**
 * Reads everything that the plan depends on. Its requests grow with the number of snapshots (an entry each), and with
 * the thousands of objects; never with what is in them.
 * @throws HoldfastError ROLLED_BACK, LEDGER_BROKEN
 */
export async function readExpireFacts(
  session: Session<Store>,
  set: string,
  choices: ExpireChoices,
  signal: AbortSignal,
): Promise<ExpireFacts> {
  const { store } = session;
  const state = stateFolderOf(session, set);
  const ledger = await readLedger(session, set, signal);
  // Entries before objects: what a backup adds in between then looks like a run that is under way, and stays.
  const catalog = await readCatalog(session, set, ledger, signal);
  const all = await listMortal(store, await mayHaveVersions(store, signal), signal);
  const now = await store.now(signal);
  const [problem] = findRollback(
    await readSeen(state),
    newestByWriter(catalog.entries),
    ledger,
    now,
    erasedUntil(ledger),
  );
  if (problem !== undefined) throw rolledBack(set, problem);
  const modified = all.map((object) => object.modified.getTime());
  return {
    set,
    now,
    objects: all.filter((object) => object.set === set),
    verified: catalog.entries.map(verifiedSnapshot),
    unverifiable: unverifiableIn(set, catalog),
    believed: await readBelieved(state),
    newestObject: modified.length === 0 ? undefined : new Date(modified.reduce((a, b) => Math.max(a, b))),
    ...choices,
  };
}

function verifiedSnapshot({ entry, current }: CatalogEntry): VerifiedSnapshot {
  const { set, writer, chain } = entry;
  return {
    snapshot: entry.snapshot,
    writer,
    seq: entry.seq,
    time: new Date(entry.time),
    end: new Date(entry.end),
    whole: current?.listed !== undefined && current.listed.bytes === current.bytes,
    packs: (current?.packs ?? entry.packs).map(([ref]) => packKey({ set, writer, chain }, ref)),
  };
}

function unverifiableIn(set: string, { failures }: Catalog): Set<string> {
  return new Set(failures.flatMap(({ key }) => parseSnapshotKey(set, key)?.snapshot ?? []));
}

const FILE = 'expire.json';
const schema = z.strictObject({ believed: z.iso.datetime() });

async function readBelieved(stateFolder: string): Promise<Date | undefined> {
  const state = await readState(join(stateFolder, FILE), schema);
  return state && new Date(state.believed);
}

/** Remembers that the clock was believed to say this: the next run compares. */
export function rememberClock(session: Session, set: string, now: Date): Promise<void> {
  return writeState(join(stateFolderOf(session, set), FILE), { believed: now.toISOString() });
}
