/**
 * What a plan has read of packs and indexes, kept for its apply: the same pages and segments are needed there, and not
 * every store is near. As they lie in the store, that is sealed, under keys that are in manifests only; until the purge
 * is done, or the next plan is made.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlacedObject } from '../../purge/plan/read-again.ts';
import { makePrivateFolder } from '../../repository/state-files.ts';
import { readReads, writeReads } from '../../stores/kept-reads.ts';
import { RecentReads } from '../../stores/recent.ts';

/** What was looked through is written anew next, and what was written is looked through. */
const RECENT_BYTES = 48 * 1024 * 1024;

const FILE = /^purge-.*\.reads$/;

/** Packs and indexes are never written over. */
export function isSealed(key: string): boolean {
  return /\/chains\/[^/]+\/(packs|index)\/[^/]+$/.test(key);
}

export function emptyReads(): RecentReads {
  return new RecentReads(RECENT_BYTES);
}

/** What the plan has read, when it was made here. */
export async function recallReads(folder: string, id: string): Promise<RecentReads> {
  const recent = emptyReads();
  for (const piece of await readReads(fileOf(folder, id))) if (isSealed(piece.key)) recent.add(piece);
  return recent;
}

/**
 * Keeps what apply will read again, in the place of what earlier plans have kept: after one of them the others are
 * outdated.
 * @param again - see `PlanReport`
 */
export async function rememberReads(
  folder: string,
  id: string,
  recent: RecentReads,
  again: readonly PlacedObject[],
): Promise<void> {
  // Without it apply reads from the store: no reason to fail.
  await keep(folder, id, recent, again).catch(() => forgetReads(folder, id));
}

async function keep(
  folder: string,
  id: string,
  recent: RecentReads,
  again: readonly PlacedObject[],
): Promise<void> {
  await makePrivateFolder(folder);
  for (const name of await readdir(folder))
    if (FILE.test(name)) await rm(join(folder, name), { force: true });
  const wanted = Map.groupBy(again, ({ key }) => key);
  const pieces = [...recent.pieces()].filter(({ key, offset, bytes }) => {
    if (key.includes('/index/')) return true;
    return (
      wanted.get(key)?.some((place) => place.offset >= offset && place.offset < offset + bytes.length) ===
      true
    );
  });
  await writeReads(fileOf(folder, id), pieces);
}

export function forgetReads(folder: string, id: string): Promise<void> {
  return rm(fileOf(folder, id), { force: true });
}

function fileOf(folder: string, id: string): string {
  return join(folder, `purge-${id}.reads`);
}
