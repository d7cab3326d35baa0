/**
 * Looking at a set whose ledger is lost, for the night when nothing else is left: what the ledger would have said of
 * revisions is taken from the amendments that lie there. Only a person can ask for this, by name.
 */
import { verifyStatement } from '../openpgp/statement.ts';
import { isHoldfastError, isSurvivable } from '../errors.ts';
import { readCatalog } from '../repository/catalog.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { Entry } from '../repository/entry.ts';
import { EMPTY_LEDGER, readLedger } from '../repository/ledger.ts';
import type { Ledger, LedgerLine } from '../repository/ledger.ts';
import { amendmentRevision, FORMAT, parseSnapshotKey } from '../repository/layout.ts';
import type { Session } from '../repository/session.ts';
import type { SetView } from './open.ts';

/**
 * As `viewSet`, whatever becomes of the ledger, and remembering nothing of it.
 * @returns with what can be read of the ledger; without a line of it when it does not hold
 */
export async function viewWithoutLedger(
  session: Session,
  set: string,
  signal: AbortSignal,
): Promise<SetView> {
  const now = await session.store.now(signal);
  const ledger = await readWhatHolds(session, set, signal);
  const catalog = await readCatalog(session, set, ledger, signal);
  const lines: LedgerLine[] = [];
  for (const item of catalog.entries.filter(({ current }) => current === undefined))
    lines.push(...(await namesHighest(session, item, signal)));
  if (lines.length === 0) return { set, catalog, ledger, now };
  const believed = { ...ledger, lines: [...ledger.lines, ...lines] };
  return { set, catalog: await readCatalog(session, set, believed, signal), ledger, now };
}

async function readWhatHolds(session: Session, set: string, signal: AbortSignal): Promise<Ledger> {
  try {
    return await readLedger(session, set, signal);
  } catch (error) {
    if (!isHoldfastError(error) || !['verification', 'unverifiable'].includes(error.exit)) throw error;
    return EMPTY_LEDGER;
  }
}

/** What a line would say that names the highest amendment of a snapshot which an operator has signed. */
async function namesHighest(
  { store, id, operators }: Session,
  { entry, objects }: CatalogEntry,
  signal: AbortSignal,
): Promise<LedgerLine[]> {
  const amendments = objects
    .flatMap(({ key }) => {
      const revision = amendmentRevision(parseSnapshotKey(entry.set, key)?.name ?? '');
      return revision === undefined ? [] : [{ key, revision }];
    })
    .sort((a, b) => b.revision - a.revision);
  for (const { key, revision } of amendments) {
    const bytes = await store.get(key, undefined, signal);
    try {
      const { signer } = await verifyStatement(bytes, operators, key);
      return [lineThatNames(entry, [revision, sha256Hex(bytes)], { store: id, signer })];
    } catch (error) {
      if (!isSurvivable(error)) throw error;
    }
  }
  return [];
}

function lineThatNames(
  { snapshot, set, writer, time }: Entry,
  [revision, sha256]: readonly [number, string],
  by: Pick<LedgerLine, 'store' | 'signer'>,
): LedgerLine {
  const event = { type: 'amended', id: 'ledger-lost', amended: [[snapshot, revision, sha256]] };
  return { ...by, format: FORMAT, kind: 'ledger', set, writer, seq: 1, prev: null, time, heads: {}, event };
}
