/** That what was written anew can be restored: the newest and the oldest of it, for real, into scratch databases. */
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import { own } from '../../repository/records.ts';
import type { Session } from '../../repository/session.ts';
import { openManifest } from '../../restore/open.ts';
import type { SetView } from '../../restore/open.ts';
import { SnapshotReader } from '../../restore/reader.ts';
import { planRestore, runRestore } from '../../restore/restore.ts';
import type { ScratchSpace } from '../../scratch/scratch.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { Loader, LoadOptions, LoadReport, SourceInfo } from '../../sources/source.ts';
import type { Receipt } from './receipt.ts';
import { mustGoOn } from './verify-findings.ts';
import type { Findings } from './verify-findings.ts';

export interface RestoreTools {
  /** Where a dump of this source is restored. */
  readonly openScratch: (source: SourceInfo, signal: AbortSignal) => Promise<ScratchSpace>;
  readonly openLoader: (source: SourceInfo, target: string) => Promise<Loader>;
  /** So many references that lead nowhere are known of in the source; absent: nobody has said. */
  readonly referencesTaken?: number;
}

export interface TriedRestore {
  readonly snapshot: string;
  readonly into: string;
  readonly tables: number;
  readonly rows: number;
  readonly milliseconds: number;
}

export interface RestoreCheck extends RestoreTools {
  readonly session: Session;
  readonly receipt: Receipt;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  readonly onStep: (text: string) => void;
  readonly onProgress: (bytes: number, what: string) => void;
}

/** Restores them, as they are stored: also who was erased by other purges since goes in, and is thrown away with it. */
export async function restoreForReal(
  check: RestoreCheck,
  view: SetView,
  findings: Findings,
  signal: AbortSignal,
): Promise<TriedRestore[]> {
  const items = newestAndOldest(check.receipt, view);
  if (items.length === 0) findings.notes.push('no snapshot that was written anew lives: none was restored');
  const tried: TriedRestore[] = [];
  let space: ScratchSpace | undefined;
  try {
    for (const item of items) {
      const manifest = await openManifest(check.session, item, check.opener, signal);
      const reader = new SnapshotReader(check.session.store, manifest, check.pool);
      space ??= await check.openScratch(reader.source, signal);
      check.onStep(`restoring ${item.entry.snapshot} into ${space.name}`);
      tried.push(...(await restoreOne(check, { item, reader, space }, findings, signal)));
    }
  } catch (error) {
    mustGoOn(error, signal);
    findings.unchecked.push(`no snapshot could be restored: ${reasonOf(error)}`);
  } finally {
    await space?.[Symbol.asyncDispose]();
  }
  return tried;
}

/** Of those that the receipt calls rewritten and that still live. Pure. */
function newestAndOldest({ snapshots }: Receipt, { catalog, now }: SetView): CatalogEntry[] {
  const rewritten = new Set(
    snapshots.filter(({ outcome }) => outcome === 'rewritten').map(({ snapshot }) => snapshot),
  );
  const living = catalog.entries
    .filter(
      ({ entry, current }) => current?.listed && rewritten.has(entry.snapshot) && new Date(entry.end) > now,
    )
    .toSorted((a, b) => (a.entry.time < b.entry.time ? -1 : 1));
  return [...new Set([living.at(-1), living[0]])].filter((item) => item !== undefined);
}

interface Job {
  readonly item: CatalogEntry;
  readonly reader: SnapshotReader;
  readonly space: ScratchSpace;
}

async function restoreOne(
  check: RestoreCheck,
  { item, reader, space }: Job,
  findings: Findings,
  signal: AbortSignal,
): Promise<TriedRestore[]> {
  const { snapshot } = item.entry;
  await using scratch = await space.open(signal);
  try {
    const began = performance.now();
    const loader = await check.openLoader(reader.source, scratch.target);
    const report = await load({ loader, reader, space, onProgress: check.onProgress }, signal);
    tellReferences(check, snapshot, report, findings);
    const rows = Object.values(report.rows);
    return [
      {
        ...{ snapshot, into: space.name, tables: rows.length },
        rows: rows.reduce((sum, count) => sum + count, 0),
        milliseconds: Math.round(performance.now() - began),
      },
    ];
  } catch (error) {
    mustGoOn(error, signal);
    const where = isAboutHere(error) ? findings.unchecked : findings.problems;
    where.push(`snapshot ${snapshot} could not be restored: ${reasonOf(error)}`);
    return [];
  }
}

/** Says more of this machine or of the server than of the snapshot. */
function isAboutHere(error: unknown): boolean {
  return error instanceof HoldfastError && ['usage', 'target', 'unverifiable', 'noKey'].includes(error.exit);
}

interface Load {
  readonly loader: Loader;
  readonly reader: SnapshotReader;
  readonly space: ScratchSpace;
  readonly onProgress: (bytes: number, what: string) => void;
}

/** Roles only where the dump cannot do without them, and never on somebody's server. */
async function load({ loader, reader, space, onProgress }: Load, signal: AbortSignal) {
  const plain: LoadOptions = { jobs: 2, globals: false, noOwner: true, onProgress };
  const plan = await planRestore(reader, loader, plain, signal);
  if (plan.problems.length === 0 || !space.isOwn) return runRestore(reader, loader, plan, plain, signal);
  const withGlobals = { ...plain, globals: true };
  return runRestore(
    reader,
    loader,
    await planRestore(reader, loader, withGlobals, signal),
    withGlobals,
    signal,
  );
}

/** A reference to a table that the purge took rows from is its doing, unless the source had it; others were broken before. */
function tellReferences(
  { receipt, referencesTaken }: Pick<RestoreCheck, 'receipt' | 'referencesTaken'>,
  snapshot: string,
  { brokenReferences = [] }: LoadReport,
  { problems, notes }: Findings,
): void {
  const tables = receipt.snapshots.find((one) => one.snapshot === snapshot)?.tables ?? {};
  const all = brokenReferences.reduce((sum, { rows }) => sum + rows, 0);
  for (const { table, references, rows } of brokenReferences) {
    const text = `snapshot ${snapshot}: ${rows} references of table ${table} to rows of ${references} that are not there`;
    if ((own(tables, references)?.delete ?? 0) === 0) notes.push(`${text}; the purge took none from there`);
    else if (referencesTaken === undefined)
      problems.push(`${text}; if the source had ${all} before, say so in the set: broken_references: ${all}`);
    else if (all <= referencesTaken) notes.push(`${text}; broken_references takes ${referencesTaken}`);
    else problems.push(`${text}; broken_references takes ${referencesTaken}, and there are ${all}`);
  }
}
