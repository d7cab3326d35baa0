/** That nobody is left in the snapshots that count: by the map, and by what identifies them, wherever it stands. */
import { reasonOf } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Session } from '../../repository/session.ts';
import type { SetView } from '../../restore/open.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { Store } from '../../stores/store.ts';
import type { Suppression } from '../../suppression/objects.ts';
import { NO_HINTS } from '../locate/hints.ts';
import { describeMention } from '../scan/describe-scan.ts';
import type { Identifiers } from '../scan/identifiers.ts';
import type { Located, LocatedSnapshot } from '../locate/located.ts';
import { lookThrough } from '../locate/look-through.ts';
import type { Receipt } from './receipt.ts';
import { scanWithPlaces } from '../scan/scan.ts';
import type { Mention } from '../scan/scan-report.ts';
import { mustGoOn } from './verify-findings.ts';
import type { Findings } from './verify-findings.ts';

export interface NobodyOptions {
  readonly session: Session<Store>;
  readonly receipt: Receipt;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  readonly about: Suppression;
  readonly identifiers: Identifiers;
  readonly onStep: (text: string) => void;
  readonly onProgress: (bytes: number, what: string) => void;
}

export async function nobodyIn(
  options: NobodyOptions,
  view: SetView,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { session, receipt, pool, identifiers, onStep, onProgress } = options;
  const items = view.catalog.entries.filter(
    ({ entry, current }) => current?.listed !== undefined && new Date(entry.end) > view.now,
  );
  onStep(`looking for them in ${items.length} snapshots`);
  const located = await locateAll(options, items, findings, signal);
  if (located === undefined) return;
  const covered = coveredBy(receipt);
  for (const one of located.snapshots) tellRows(one, covered.has(one.item.entry.snapshot), findings);
  onStep('looking for what identifies them in everything');
  const snapshots = located.snapshots.map((one) => ({ manifest: one.manifest, located: one }));
  try {
    const { report, where } = await scanWithPlaces(
      { store: session.store, pool, snapshots, identifiers, onProgress },
      signal,
    );
    findings.searched.segments += report.segments;
    findings.searched.bytes += report.bytes;
    for (const [mention, at] of where) {
      const isCovered = [...at].some((index) =>
        covered.has(located.snapshots[index]?.item.entry.snapshot ?? ''),
      );
      tellMention(mention, isCovered, receipt, findings);
    }
  } catch (error) {
    mustGoOn(error, signal);
    findings.problems.push(`not everything can be opened: ${reasonOf(error)}`);
  }
}

async function locateAll(
  { session, opener, pool, about: { map, subjects }, onProgress }: NobodyOptions,
  items: readonly CatalogEntry[],
  findings: Findings,
  signal: AbortSignal,
): Promise<Located | undefined> {
  try {
    const asked = { session, opener, pool, map, subjects, pseudonyms: '0'.repeat(64), fillsGaps: true };
    // An index is what a purge goes by: who checks it reads everything.
    return await lookThrough(items, { ...asked, hints: NO_HINTS, onProgress }, signal);
  } catch (error) {
    mustGoOn(error, signal);
    findings.unchecked.push(`the snapshots cannot be looked through: ${reasonOf(error)}`);
    return undefined;
  }
}

/** The snapshots of which the receipt says that they are not in them. */
function coveredBy({ snapshots }: Receipt): ReadonlySet<string> {
  return new Set(snapshots.filter(({ outcome }) => outcome !== 'removed').map(({ snapshot }) => snapshot));
}

function tellRows(
  { item: { entry }, streams }: LocatedSnapshot,
  isCovered: boolean,
  { problems, notes }: Findings,
): void {
  if (streams.size === 0) return;
  const rows = `snapshot ${entry.snapshot} has rows of theirs in ${[...streams.keys()].join(', ')}`;
  if (isCovered) problems.push(rows);
  else notes.push(`${rows}; it was made since, and restores leave them out`);
}

/** Who was told of a mention before knows of it; one that a scan should have found is a finding. */
function tellMention(
  mention: Mention,
  isCovered: boolean,
  { scanned }: Receipt,
  { problems, notes }: Findings,
): void {
  const text = `they are named in ${describeMention(mention)}`;
  const isKnown = scanned?.mentions.some(
    ({ table, column }) => table === mention.table && column === mention.column,
  );
  if (isCovered && scanned && isKnown !== true) problems.push(`${text}; the receipt does not say so`);
  else notes.push(`${text}${scanned ? '' : '; the receipt says that this was not looked for'}`);
}
