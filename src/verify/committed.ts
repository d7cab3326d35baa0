/**
 * A second look at a snapshot that was just committed, before anybody is told that all is well: what lies in the store is
 * read again, as a stranger would. Needs no private key.
 */
import { isDeepStrictEqual } from 'node:util';
import { HoldfastError } from '../errors.ts';
import type { Entry } from '../repository/entry.ts';
import { snapshotFolder } from '../repository/layout.ts';
import { readLedger } from '../repository/ledger.ts';
import { namedRevisions } from '../repository/ledger-events.ts';
import { readEntriesAt } from '../repository/read-entries.ts';
import { findCurrent } from '../repository/revision.ts';
import type { Session } from '../repository/session.ts';
import { checkManifest, checkPresence, listReferencedPacks } from './presence.ts';
import type { Finding } from './presence.ts';

/**
 * Reads the entry (signature, place), the manifest (its hash, where this host may read it) and the listing of all packs.
 * @param committed - what the run says that it wrote
 * @returns what could not be checked
 * @throws HoldfastError SNAPSHOT_UNSOUND
 */
export async function verifyCommitted(
  session: Session,
  committed: Entry,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { set, snapshot, keep_days } = committed;
  const folder = snapshotFolder(set, keep_days, snapshot);
  const ledger = await readLedger(session, set, signal);
  const { found, failures } = await readEntriesAt(session, set, [folder], false, signal);
  const [failure] = failures;
  if (failure) throw unsound(committed, `its entry cannot be read: ${textOf(failure.error)}`);
  const read = found.get(folder);
  if (!read || !isDeepStrictEqual(plain(read.entry), plain(committed)))
    throw unsound(committed, 'its entry is not the one that was written');
  const objects = await Array.fromAsync(session.store.list(folder, signal));
  const named = namedRevisions(ledger, session.operators).get(snapshot);
  const item = { ...read, objects, ...(await findCurrent(session, { ...read, objects, named }, signal)) };
  if (!item.current) throw unsound(committed, textOf(item.trouble));
  const findings: Finding[] = [];
  const packs = await listReferencedPacks(session, [item], signal);
  checkPresence(item, item.current, packs, (text) => {
    findings.push({ kind: 'problem', about: snapshot, text });
  });
  await checkManifest(session, item, findings, signal);
  const problems = findings.filter(({ kind }) => kind === 'problem').map(({ text }) => text);
  if (problems.length > 0) throw unsound(committed, problems.join('; '));
  return findings.map(({ text }) => text);
}

/** Without what JSON does not have: prototypes, and keys without a value. */
function plain(entry: Entry): unknown {
  return JSON.parse(JSON.stringify(entry));
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function unsound({ set, snapshot }: Entry, problem: string): HoldfastError {
  return new HoldfastError({
    code: 'SNAPSHOT_UNSOUND',
    exit: 'verification',
    message: `snapshot ${snapshot} of set ${set} was written, and is not sound in the store: ${problem}`,
    hint: `Run holdfast verify ${set}, and then holdfast backup ${set} --full.`,
  });
}
