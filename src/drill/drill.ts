/**
 * A drill: one snapshot is restored for real, through all that a restore goes through, into a database that is thrown away
 * afterwards; then it is compared with what it should be. What is wrong with the snapshot, and what only kept it from
 * being tried, are told apart.
 */
import { reasonOf } from '../errors.ts';
import { purgesOf } from '../repository/purges.ts';
import { openManifest } from '../restore/open.ts';
import { SnapshotReader } from '../restore/reader.ts';
import { readSidecar } from '../restore/sidecar.ts';
import { withoutPurged } from '../suppression/without.ts';
import { scratchStays } from './errors.ts';
import { Drill } from './findings.ts';
import type { DrillOptions, DrillResult } from './findings.ts';
import { loadForReal } from './load.ts';
import { look } from './look.ts';
import type { Opened, Place } from './look.ts';
import { readErased, watchFor } from './nobody.ts';

export type { DrillOptions, DrillResult } from './findings.ts';

/**
 * Drills one snapshot, and removes what it made. What is wrong is a finding and not an error.
 * @throws HoldfastError CANCELLED; and bugs
 */
export async function drillSnapshot(options: DrillOptions, signal: AbortSignal): Promise<DrillResult> {
  const drill = new Drill(options);
  try {
    const opened = await drill.stages.time('open', () => open(drill, signal));
    await restore(drill, opened, signal);
  } catch (error) {
    drill.found(error);
  }
  return drill.result();
}

/** From the manifest to rows without those who were erased: as every restore does it. */
async function open(drill: Drill, signal: AbortSignal): Promise<Opened> {
  const { session, view, item, opener, pool, mapOfToday, onStep } = drill.options;
  const { set, ledger, now } = view;
  onStep('opening it');
  const manifest = await openManifest(session, item, opener, signal);
  const source = new SnapshotReader(session.store, manifest, pool);
  const about = { session, set, item, manifest, source, pool, ledger, opener, now };
  const { reader, rows } = await withoutPurged(
    { ...about, allowed: [], ledgerIsLost: false, mapOfToday },
    signal,
  );
  if (rows.deleted + rows.changed > 0)
    drill.notes.push(`people whom a purge has erased were left out: ${rows.deleted + rows.changed} rows`);
  const sidecar = await readSidecar(source, manifest, signal);
  const erased = await readErased({ session, set, ledger, opener, now }, signal);
  for (const { purge, reason } of erased.unreadable)
    drill.problems.push({
      ...{ outcome: 'not-run', code: 'SUPPRESSION_UNREADABLE' },
      message: `whether people whom purge ${purge} erased are back cannot be told: ${reason}`,
      hint: 'Use the key of a recipient of today.',
    });
  const watched = watchFor(erased.people, reader, sidecar);
  drill.purges = watched.purges.length;
  for (const purge of watched.untold)
    drill.notes.push(
      `whom purge ${purge} erased cannot be told by a key here: holdfast purge verify --full looks for them`,
    );
  const isTouched =
    rows.deleted + rows.changed > 0 ||
    purgesOf(ledger, session.operators).some(({ amended }) => amended.has(item.entry.snapshot));
  return { reader: watched.reader, watched, sidecar, isTouched };
}

async function restore(drill: Drill, opened: Opened, signal: AbortSignal): Promise<void> {
  const { openScratch, onStep } = drill.options;
  const { source } = opened.reader;
  onStep('preparing a place for it');
  const space = await drill.stages.time('prepare', () => openScratch(source, signal));
  drill.space = space;
  try {
    const scratch = await drill.stages.time('prepare', () => space.open(signal));
    try {
      await loadAndLook(drill, opened, { space, scratch }, signal);
    } finally {
      await clean(drill, scratch, space.name);
    }
  } finally {
    await clean(drill, space, space.name);
  }
}

async function loadAndLook(drill: Drill, opened: Opened, place: Place, signal: AbortSignal): Promise<void> {
  const { openLoader, jobs, onStep, onProgress } = drill.options;
  const { reader } = opened;
  onStep(`restoring it into ${place.space.name}`);
  const report = await drill.stages.time('load', async () => {
    const loader = await openLoader(reader.source, place.scratch.target);
    return loadForReal({ reader, loader, space: place.space, jobs, onProgress }, signal);
  });
  const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0);
  drill.loaded = {
    tables: Object.keys(report.rows).length,
    rows: sum(report.rows),
    bytes: reader.streams.reduce((total, { bytes }) => total + bytes, 0),
  };
  drill.notes.push(...report.leftOut.map((what) => `left out: ${what}`));
  await drill.stages.time('check', () => look(drill, opened, place, report, signal));
}

/** What stays behind is told, and hides nothing else. */
async function clean(drill: Drill, what: AsyncDisposable, where: string): Promise<void> {
  try {
    await what[Symbol.asyncDispose]();
  } catch (error) {
    drill.found(scratchStays(where, reasonOf(error), error));
  }
}
