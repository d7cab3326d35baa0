/**
 * After new revisions count, and before what they replace goes: the subject is looked for in them once more, as if by
 * somebody who has just come. Which revisions have still to be looked at is kept on disk, for a run that goes on.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { SNAPSHOT_ID } from '../../repository/layout.ts';
import { readState, writeState } from '../../repository/state-files.ts';
import { notGone } from '../errors.ts';
import type { LocatedSnapshot } from '../locate/located.ts';
import type { UnitSet } from '../locate/unit-set.ts';
import { append } from './run.ts';
import type { Run } from './run.ts';
import { lookAt } from './state.ts';
import type { PurgeState } from './state.ts';

const schema = z.array(z.string().regex(SNAPSHOT_ID));

/** Before the ledger says that these snapshots have new revisions. */
export async function rememberToRecheck({ folder, plan }: Run, snapshots: readonly string[]): Promise<void> {
  const known = (await readState(fileOf(folder, plan.id), schema)) ?? [];
  await writeState(fileOf(folder, plan.id), [...new Set([...known, ...snapshots])]);
}

/** When the purge is done. */
export function forgetRecheck(folder: string, id: string): Promise<void> {
  return rm(fileOf(folder, id), { force: true });
}

/**
 * Looks for the subject in the new revisions.
 *
 * Units in which this run has found nobody a moment ago are not opened again: of the others there are few. Where
 * nothing on this machine says what has to be looked at, everything that the purge has written anew is.
 *
 * @param quiet - units without any row of the subject
 * @returns what the set shows now
 * @throws HoldfastError PURGE_NOT_GONE, and what reading and looking through throws
 */
export async function recheckAmended(run: Run, quiet: UnitSet, signal: AbortSignal): Promise<PurgeState> {
  const { session, set, plan, folder } = run;
  const state = await lookAt(session, set, plan.id, signal);
  const { view, record } = state;
  const kept = await readState(fileOf(folder, plan.id), schema);
  const wanted = new Set(kept ?? (record?.doneAt === undefined ? record?.amended : undefined));
  const items = view.catalog.entries.filter(
    ({ entry, current }) =>
      wanted.has(entry.snapshot) && current?.listed !== undefined && new Date(entry.end) > view.now,
  );
  if (items.length > 0) {
    run.onStep(`looking for them in ${items.length} new revisions`);
    const { snapshots } = await run.locate(items, signal, quiet);
    // What is made again as a whole would be made again each time.
    const left = snapshots.filter(({ streams }) => streams.size > 0);
    const [first] = left;
    if (first) {
      await takeBack(run, left, signal);
      throw notGone(set, first.item.entry.snapshot, [...first.streams.keys()]);
    }
  }
  if (wanted.size > 0) await writeState(fileOf(folder, plan.id), []);
  return state;
}

/** Until another run has looked at them, readers leave the subject out of these as well, and `resume` works on them. */
async function takeBack(run: Run, left: readonly LocatedSnapshot[], signal: AbortSignal): Promise<void> {
  const revisions = left.map(({ item }) => [item.entry.snapshot, item.current?.revision ?? 0]);
  await append(run, { type: 'amended', id: run.plan.id, amended: [], left: revisions }, signal);
}

function fileOf(folder: string, id: string): string {
  return join(folder, `purge-${id}-recheck.json`);
}
