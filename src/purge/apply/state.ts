/** What a set shows of a purge: read anew before each step that depends on it. */
import type { CatalogEntry } from '../../repository/catalog.ts';
import { knowsOf, purgesOf } from '../../repository/purges.ts';
import type { PurgeRecord } from '../../repository/purges.ts';
import type { Session } from '../../repository/session.ts';
import { mustBeApplicable, viewSet } from '../../restore/open.ts';
import type { SetView } from '../../restore/open.ts';
import { planChanged } from '../errors.ts';
import type { PurgePlan } from '../plan/request.ts';

export interface PurgeState {
  readonly view: SetView;
  /** What the ledger says of the purge; undefined before it was announced. */
  readonly record: PurgeRecord | undefined;
  /** Snapshots that it has still to look through; see `openOf`. */
  readonly open: readonly CatalogEntry[];
}

/** Reads ledger and entries. Throws what `viewSet` does, LEDGER_NOT_APPLICABLE. */
export async function lookAt(
  session: Session,
  set: string,
  id: string,
  signal: AbortSignal,
): Promise<PurgeState> {
  const view = await viewSet(session, set, false, signal);
  mustBeApplicable(view);
  const record = purgesOf(view.ledger, session.operators).find((one) => one.id === id);
  return { view, record, open: openSnapshots(view, record) };
}

/** Those that can be looked through. */
export function openOf({ open }: PurgeState): CatalogEntry[] {
  return open.filter(({ current }) => current?.listed !== undefined);
}

/**
 * Snapshots that live and that the purge has neither found clean nor changed. Of those that were made after it was
 * done, by hosts that knew of it, none: what they hold was in the database again. Of a whole set, all that its hosts
 * have made without knowing of it.
 */
function openSnapshots({ catalog, now }: SetView, record: PurgeRecord | undefined): CatalogEntry[] {
  if (record?.isWhole) return catalog.entries.filter(({ entry }) => !knowsOf(entry.ledger_seen, record));
  return catalog.entries.filter(({ entry, current }) => {
    if (new Date(entry.end) <= now || record?.removed.has(entry.snapshot)) return false;
    if (record?.free.has(entry.snapshot)) return false;
    // Its manifest is gone: nobody can read it.
    if (current && !current.listed) return false;
    return record?.doneAt === undefined || !knowsOf(entry.ledger_seen, record);
  });
}

/**
 * Nothing may have changed since a person has looked at the plan.
 * @throws HoldfastError PLAN_OUTDATED
 */
export function mustBeAsPlanned(plan: PurgePlan, { open, view }: PurgeState): void {
  const planned = new Map(plan.snapshots.map(({ snapshot, revision }) => [snapshot, revision]));
  for (const { entry, current } of open) {
    const revision = planned.get(entry.snapshot);
    if (revision === undefined) throw planChanged(view.set, `snapshot ${entry.snapshot} was made since`);
    if ((current?.revision ?? 0) !== revision)
      throw planChanged(view.set, `snapshot ${entry.snapshot} has another revision`);
  }
}

/** Hosts that have written here, and whether a snapshot of each shows that it knows of the purge. */
export function acknowledgements(
  { catalog }: Pick<SetView, 'catalog'>,
  record: PurgeRecord | undefined,
): { readonly writer: string; readonly acknowledged: boolean }[] {
  const writers = new Map<string, boolean>();
  for (const { entry } of catalog.entries) {
    const knows = record !== undefined && knowsOf(entry.ledger_seen, record);
    writers.set(entry.writer, knows || writers.get(entry.writer) === true);
  }
  return [...writers].map(([writer, acknowledged]) => ({ writer, acknowledged }));
}
