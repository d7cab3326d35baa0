/** All readable snapshots of a set, opened: what looking for a subject and checking a map against the past share. */
import { reasonOf } from '../../errors.ts';
import { setOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import type { SnapshotInput } from '../../purge/locate/prepare.ts';
import type { Session } from '../../repository/session.ts';
import type { SetView } from '../../restore/open.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { CliContext } from '../context.ts';
import type { ReaderKeyOptions } from '../options.ts';
import { openConfiguredSession, openReader } from '../wiring.ts';

export interface LiveSnapshots extends AsyncDisposable {
  readonly set: SetConfig;
  readonly session: Session;
  /** Ledger and entries, as they were read. */
  readonly view: SetView;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  /** Oldest first. */
  readonly snapshots: readonly SnapshotInput[];
  /** Names of those that do not say how their tables are linked. */
  readonly mute: readonly string[];
}

/**
 * Opens them, in the revisions that count.
 * @param choose - which of the set's entries; those that are past their end are left out before
 */
export async function openLiveSnapshots(
  context: CliContext,
  name: string,
  options: ReaderKeyOptions,
  choose: (view: SetView) => SetView['catalog']['entries'] | Promise<SetView['catalog']['entries']>,
): Promise<LiveSnapshots> {
  const set = setOf(await context.config(), name);
  const opener = await openReader(context, options);
  const [open, { SegmentPool }] = await Promise.all([
    import('../../restore/open.ts'),
    import('../../segments/pool.ts'),
  ]);
  await using stack = new AsyncDisposableStack();
  const { session } = stack.use(await openConfiguredSession(context, opener.certifiers));
  const view = await open.viewSet(session, set.name, false, context.signal);
  open.mustBeApplicable(view);
  for (const { key, error } of view.catalog.failures) context.output.warn(`${key}: ${reasonOf(error)}`);
  const snapshots: SnapshotInput[] = [];
  const mute: string[] = [];
  for (const item of await choose(view)) {
    if (new Date(item.entry.end) <= view.now) continue;
    const manifest = await open.openManifest(session, item, opener, context.signal);
    // Of files the list is a table that every version of this program knows.
    const isKnown = manifest.sidecar !== undefined || manifest.source.kind === 'files';
    const isMute = !isKnown && manifest.streams.some(({ table }) => table);
    if (isMute) mute.push(item.entry.snapshot);
    else snapshots.push({ item, manifest });
  }
  const pool = stack.use(SegmentPool.forReading());
  const resources = stack.move();
  return {
    ...{ set, session, view, opener, pool, snapshots, mute },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Says which snapshots could not be looked into; then the answer is incomplete. */
export function tellMute(context: CliContext, { set, mute }: LiveSnapshots): void {
  for (const snapshot of mute)
    context.output.warn(`${set.name}@${snapshot} does not say how its tables are linked: not looked into`);
  if (mute.length > 0) context.exit('incomplete');
}
