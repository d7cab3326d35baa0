/** A local store of fifty sets with ninety snapshots each, made once for all parts that look at many. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { makeMany } from './many-snapshots.ts';

export const FIFTY = { sets: 50, snapshots: 90 } as const;
/** Of each snapshot: entries are what is looked at. */
const SEGMENTS = 2;

const made = new WeakMap<Bench, Promise<string>>();

/** The folder with `holdfast.yaml`; it takes two minutes at first, and nothing afterwards. */
export function fiftySets(bench: Bench): Promise<string> {
  const known = made.get(bench) ?? make(bench);
  made.set(bench, known);
  return known;
}

async function make({ large, signal, say }: Bench): Promise<string> {
  say(`making a store of ${FIFTY.sets} sets with ${FIFTY.snapshots} snapshots each`);
  const parent = join(large.options.folder, 'fifty');
  await mkdir(parent);
  const folder = join(parent, 'host');
  const sets = Array.from({ length: FIFTY.sets }, (_, at) => `set-${String(at + 1).padStart(2, '0')}`);
  const { snapshots } = FIFTY;
  const { store, config } = await makeMany({
    ...{ folder, sets, snapshots, segments: SEGMENTS, signal },
    keepDays: snapshots,
  });
  const promises = 'promises: { backup_every: 24h, erasure_within: 30d, drill_every: 30d }\n';
  await writeFile(join(folder, 'holdfast.yaml'), `version: 1\nstore: file://${store}\n${promises}${config}`);
  return folder;
}
