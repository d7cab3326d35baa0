/** Opening the snapshot that a person named: what restore, cat and verify share. */
import { setOf } from '../config/config.ts';
import type { SetConfig } from '../config/config.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import type { SnapshotReader } from '../restore/reader.ts';
import type { SnapshotName } from '../restore/select.ts';
import type { CliContext } from './context.ts';
import type { ReaderKeyOptions } from './options.ts';
import { openConfiguredSession, openReader } from './wiring.ts';

export interface OpenedSnapshot extends AsyncDisposable {
  readonly set: SetConfig;
  readonly item: CatalogEntry;
  readonly reader: SnapshotReader;
}

export interface OpenSnapshotOptions extends ReaderKeyOptions {
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
  const [open, select, { SnapshotReader }, { SegmentPool }, { checkLedgerCovers }] = await Promise.all([
    import('../restore/open.ts'),
    import('../restore/select.ts'),
    import('../restore/reader.ts'),
    import('../segments/pool.ts'),
    import('../repository/ledger.ts'),
  ]);
  await using stack = new AsyncDisposableStack();
  const { session } = stack.use(await openConfiguredSession(context, opener.certifiers));
  const view = await open.viewSet(session, set.name, options.acceptRollback === true, context.signal);
  open.mustBeApplicable(view);
  open.mustKnowLatest(view, name.when);
  for (const { key, error } of view.catalog.failures) context.output.warn(`${key}: ${String(error)}`);
  const item = select.selectSnapshot(view.catalog.entries, name, view.now);
  checkLedgerCovers(set.name, view.ledger, item.entry.ledger_seen);
  const manifest = await open.openManifest(session, item, opener, context.signal);
  const pool = stack.use(SegmentPool.forReading());
  const reader = new SnapshotReader(session.store, manifest, pool);
  const resources = stack.move();
  return { set, item, reader, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
