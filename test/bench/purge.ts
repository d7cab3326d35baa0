/**
 * What erasing somebody costs: plan and apply over thirty daily snapshots, against decrypting, filtering and encrypting
 * each of thirty dumps; with the subject index and without it, one person and a hundred, and what it moves on S3. And
 * what the index costs those who never erase anybody: bytes of the store, and time of a backup.
 */
import { readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from './bench.ts';
import { perform } from './bench.ts';
import { measure } from './measure.ts';
import { folderBytes, pipeline } from './peers/contestant.ts';
import { gpg } from './peers/gpg.ts';
import { HOLDFAST, holdfast } from './peers/holdfast.ts';
import { purgeCommands } from './purge-commands.ts';
import { ordersOf, people, personWith } from './purge-people.ts';
import type { Person } from './purge-people.ts';
import { purgeOnS3 } from './purge-s3.ts';
import { DAYS, MAP, makeMonth } from './purge-store.ts';
import type { MonthOfBackups } from './purge-store.ts';

const PERSON_ROWS = 40;
const CROWD = 100;

export async function purge(bench: Bench): Promise<void> {
  await backupsWithAndWithout(bench);
  const { large, server, signal } = bench;
  const { database } = large.options.dataset;
  const month = await makeMonth(large, bench.say, signal);
  const person = await personWith(server, database, PERSON_ROWS);
  await sizes(bench, month);
  await naive(bench, person);
  for (let round = 0; round < bench.rounds; round++) {
    await planAndApply(bench, month, 'purge/one', [person.id], round, person.rows);
    await planAndApply(bench, month, 'purge/no-index', [person.id], round, person.rows, withoutIndex);
    await planAndApply(bench, month, 'purge/hundred', await people(server, database, CROWD), round);
  }
  await purgeOnS3(bench, month, person);
}

/** First backups into empty stores: with a subject map, and so an index, and without one. */
async function backupsWithAndWithout(bench: Bench): Promise<void> {
  await bench.large.reach(1);
  for (let round = 0; round < bench.rounds; round++) {
    const ways = round % 2 === 0 ? (['plain', 'indexed'] as const) : (['indexed', 'plain'] as const);
    for (const way of ways) {
      const name = `${HOLDFAST}-${way}`;
      const stand = await bench.large.stand({ ...holdfast, name }, round);
      if (way === 'indexed') await addMap(stand.place.folder);
      await perform(bench, {
        what: `purge/backup-${way}`,
        round,
        stand: { ...stand, contestant: holdfast },
        command: stand.repository.backup(''),
      });
      await rm(join(stand.place.folder, 'store'), { recursive: true });
    }
  }
}

async function addMap(folder: string): Promise<void> {
  await writeFile(join(folder, 'map.yaml'), MAP);
  const file = join(folder, 'holdfast.yaml');
  const before = await readFile(file, 'utf8');
  const after = before.replace(/^( +)(keep: .*)$/m, '$1$2\n$1subjects: map.yaml');
  if (after === before) throw new Error(`there is no line in ${file} to put the subject map behind`);
  await writeFile(file, after);
}

/** How much of the store the index is. */
async function sizes(bench: Bench, { folder }: MonthOfBackups): Promise<void> {
  const storedBytes = await folderBytes(join(folder, 'store'));
  const newBytes = await indexBytes(join(folder, 'store'));
  bench.runs.push({
    ...{
      what: 'purge/index',
      contestant: HOLDFAST,
      round: 0,
      seconds: 0,
      cpuSeconds: 0,
      serverCpuSeconds: 0,
    },
    ...{ peakBytes: 0, treePeakBytes: 0, newBytes, over: { snapshots: DAYS, storedBytes } },
  });
  bench.say(`purge: index ${(newBytes / 1e6).toFixed(1)} MB of ${(storedBytes / 1e6).toFixed(1)} MB stored`);
}

/** One dump, as long as it takes: thirty of them take thirty times as long. */
async function naive(bench: Bench, { id }: Person): Promise<void> {
  const { large, server } = bench;
  for (let round = 0; round < bench.rounds; round++) {
    const stand = await large.filledStand(gpg, round);
    const orders = await ordersOf(server, large.options.dataset.database, id);
    const gnupg = join(stand.place.folder, 'gnupg');
    const file = join(stand.place.folder, 'files', `${stand.newest?.label ?? ''}.sql.zst.gpg`);
    const variables = {
      GNUPGHOME: gnupg,
      RECIPIENT: 'bench@example.invalid',
      FILE: file,
      PERSON: id,
      ORDERS: orders,
    };
    const command = pipeline(stand.place, 'gpg-purge', variables);
    await perform(bench, { what: 'purge/naive', round, stand, command });
    await rm(`${file}.new`);
  }
}

type Prepare = (folder: string) => Promise<void>;

/** In a copy of the store: what a purge does cannot be undone. */
async function planAndApply(
  bench: Bench,
  month: MonthOfBackups,
  what: string,
  ids: readonly string[],
  round: number,
  rows?: number,
  prepare?: Prepare,
): Promise<void> {
  const folder = await month.copy(`${what.replace('/', '-')}-${round}`);
  await prepare?.(folder);
  const storedBytes = await folderBytes(join(folder, 'store'));
  const about = { snapshots: DAYS, storedBytes, people: ids.length, ...(rows !== undefined && { rows }) };
  for (const [step, command] of purgeCommands(bench, folder, ids)) {
    const { output: _, ...figures } = await measure(command, bench.signal);
    const newBytes = (await folderBytes(join(folder, 'store'))) - storedBytes;
    const run = {
      what: `${what}/${step}`,
      contestant: HOLDFAST,
      round,
      serverCpuSeconds: 0,
      newBytes,
      over: about,
    };
    bench.runs.push({ ...figures, ...run });
    bench.say(
      `${run.what}: ${figures.seconds.toFixed(2)} s, ${figures.cpuSeconds.toFixed(2)} s of processors`,
    );
  }
  await rm(folder, { recursive: true });
}

async function withoutIndex(folder: string): Promise<void> {
  for (const file of await indexFiles(join(folder, 'store'))) await rm(file);
}

async function indexBytes(store: string): Promise<number> {
  const found = await Promise.all((await indexFiles(store)).map(async (file) => (await stat(file)).size));
  return found.reduce((sum, size) => sum + size, 0);
}

async function indexFiles(store: string): Promise<string[]> {
  const all = await readdir(store, { recursive: true });
  return all.filter((name) => /\/index\/[0-9a-f]{16}$/.test(name)).map((name) => join(store, name));
}
