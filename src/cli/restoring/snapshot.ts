/** Opening the snapshot that a person named: what restore, cat and verify share. */
import { setOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import { isHoldfastError, reasonOf } from '../../errors.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { SetView } from '../../restore/open.ts';
import type { DumpReader } from '../../sources/source.ts';
import type { SnapshotName } from '../../restore/select.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import type { CliContext } from '../context.ts';
import { copyLedgerBehind } from '../copies/copies-errors.ts';
import { formatAge } from '../terminal/format.ts';
import type { CopyOption, ReaderKeyOptions } from '../options.ts';
import { leaveOutPurged, readOverrides } from '../people/suppression.ts';
import type { SuppressionFlags } from '../people/suppression.ts';
import { openConfiguredSession, openReader } from '../wiring.ts';
import type { OpenedSession } from '../wiring.ts';

export interface OpenedSnapshot extends AsyncDisposable {
  readonly set: SetConfig;
  readonly item: CatalogEntry;
  /** Without those whom a purge erased. */
  readonly reader: DumpReader;
  /** Purges whose people are left out while it is read. */
  readonly purges: readonly string[];
}

export interface OpenSnapshotOptions extends ReaderKeyOptions, CopyOption, SuppressionFlags {
  readonly acceptRollback?: boolean;
}

/** Everything between a name and a reader that gives only what was checked. */
export async function openSnapshot(
  context: CliContext,
  name: SnapshotName,
  options: OpenSnapshotOptions,
): Promise<OpenedSnapshot> {
  const set = setOf(await context.config(), name.set);
  const opener = await openReader(context, options);
  const [open, select, { SnapshotReader }, { SegmentPool }, { viewWithoutLedger }] = await Promise.all([
    import('../../restore/open.ts'),
    import('../../restore/select.ts'),
    import('../../restore/reader.ts'),
    import('../../segments/pool.ts'),
    import('../../restore/lost-ledger.ts'),
  ]);
  await using stack = new AsyncDisposableStack();
  const { session } = stack.use(await openStoreOrCopy(context, set, options.copy, opener.certifiers));
  const overrides = readOverrides(set.name, options);
  const view = overrides.ledgerIsLost
    ? await viewWithoutLedger(session, set.name, context.signal)
    : await open.viewSet(session, set.name, options.acceptRollback === true, context.signal);
  if (options.copy !== undefined)
    await tellCopy(context, { ...view, storeId: session.id }, options.copy, options.acceptRollback === true);
  open.mustBeApplicable(view);
  open.mustKnowLatest(view, name.when);
  for (const { key, error } of view.catalog.failures) context.output.warn(`${key}: ${reasonOf(error)}`);
  const item = select.selectSnapshot(view.catalog.entries, name, view.now);
  if (!overrides.ledgerIsLost) open.mustHoldAllThatWasSeen(view);
  const manifest = await open.openManifest(session, item, opener, context.signal);
  const pool = stack.use(SegmentPool.forReading());
  const source = new SnapshotReader(session.store, manifest, pool);
  const { reader, purges } = await leaveOutPurged(
    context,
    {
      ...{ session, set: set.name, item, manifest, source, pool },
      ledger: view.ledger,
      opener,
      now: view.now,
      mapOfToday: () => mapOfToday(context, set),
    },
    { ...overrides, options },
  );
  const resources = stack.move();
  return { set, item, reader, purges, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

/** What people say of the tables today; undefined where this machine has no map: a reader needs none, mostly. */
export async function mapOfToday(context: CliContext, set: SetConfig): Promise<SubjectMap | undefined> {
  if (set.subjects === undefined) return undefined;
  const { readSubjectMap } = await import('../people/subject-map.ts');
  try {
    return (await readSubjectMap(await context.config(), set)).parsed.map;
  } catch (error) {
    if (isHoldfastError(error, 'SUBJECTS_UNREADABLE')) return undefined;
    throw error;
  }
}

async function openStoreOrCopy(
  context: CliContext,
  set: SetConfig,
  copy: string | undefined,
  more: readonly openpgp.PublicKey[],
): Promise<OpenedSession> {
  if (copy === undefined) return openConfiguredSession(context, more);
  const { openCopyOf } = await import('../copies/copies.ts');
  return openCopyOf(context, set, copy, more);
}

/** Says how old a copy is, and how much of what this machine has seen in the store it lacks. */
async function tellCopy(
  context: CliContext,
  { set, catalog, ledger, now, storeId }: SetView & { storeId: string },
  copy: string,
  acceptRollback: boolean,
): Promise<void> {
  const [{ behindSeen }, { readSeen }, { setStateFolder }, { newestByWriter }] = await Promise.all([
    import('../../copy/behind.ts'),
    import('../../repository/seen.ts'),
    import('../../repository/state-files.ts'),
    import('../../repository/catalog.ts'),
  ]);
  const { stateDir } = await context.config();
  const seen = await readSeen(setStateFolder(stateDir, storeId, set));
  const behind = behindSeen(seen, newestByWriter(catalog.entries), ledger.heads);
  if (behind.ledger !== undefined && !acceptRollback) throw copyLedgerBehind(set, copy, behind.ledger);
  const newest = catalog.entries.at(-1)?.entry.time;
  const age = newest === undefined ? 'empty' : `from ${formatAge(new Date(newest), now)}`;
  context.output.note(`reading from the copy ${copy}; its newest snapshot is ${age}`);
  if (behind.snapshots !== undefined) context.output.warn(`the copy ${copy} is behind: ${behind.snapshots}`);
}
