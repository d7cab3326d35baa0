/** Files: 2 GB in 20,000 of them, pictures and text, against restic: a first backup, and one of the same files again. */
import { createCipheriv } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { HOLDFAST } from '../peers/holdfast.ts';
import type { Field, OpenStall } from './engine.ts';
import { engineStep, note, openHoldfast, openStalls, resticIn } from './engine.ts';
import { Random } from './random.ts';

/** At scale 1. */
const FILES = 20_000;
const MEAN_BYTES = 100_000;
const A_FOLDER = 100;
/** The others are like pictures: nothing in them can be compressed. */
const TEXT_SHARE = 0.25;
const SMALLEST_BYTES = 500;

export async function files(bench: Bench): Promise<void> {
  const { folder: home, env, dataset } = bench.large.options;
  const folder = join(home, 'files-bench');
  const tree = join(folder, 'tree');
  await mkdir(tree, { recursive: true });
  const bytes = await makeTree(tree, Math.round(FILES * dataset.scale));
  bench.say(`files: ${String(Math.round(FILES * dataset.scale))} files, ${(bytes / 1e6).toFixed(0)} MB`);
  const field: Field = { bench, folder, env: { ...env, HOME: folder } };
  for (let round = 0; round < bench.rounds; round++) {
    const stalls = await openStalls(field, contestants(field, tree), round);
    for (const what of ['files/first', 'files/unchanged'])
      for (const stall of stalls) await note(field, { what, round, stall, command: stall.backup });
    // All rounds together would need more room than the rest of the benchmark.
    for (const { stored } of stalls) await rm(stored, { recursive: true });
  }
}

/** The same files every time. Returns how many bytes they have. */
async function makeTree(tree: string, count: number): Promise<number> {
  const random = new Random(7);
  let total = 0;
  for (let number = 0; number < count; number++) {
    const folder = join(tree, `folder-${String(Math.floor(number / A_FOLDER)).padStart(4, '0')}`);
    if (number % A_FOLDER === 0) await mkdir(folder);
    // Many small ones and some large ones; the mean of this is MEAN_BYTES.
    const size = SMALLEST_BYTES + Math.round(-Math.log(1 - random.next()) * (MEAN_BYTES - SMALLEST_BYTES));
    const isText = random.next() < TEXT_SHARE;
    const content = isText ? textOf(size, random) : noiseOf(size, number);
    await writeFile(join(folder, `file-${String(number)}.${isText ? 'txt' : 'jpg'}`), content);
    total += size;
  }
  return total;
}

function textOf(size: number, random: Random): string {
  return random.words(Math.ceil(size / 3)).slice(0, size);
}

/** The key stream of a cipher: fast, and the same for the same number. */
function noiseOf(size: number, number: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeUInt32LE(number);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

function contestants(field: Field, tree: string): Readonly<Record<string, OpenStall>> {
  return {
    [HOLDFAST]: async (folder) => {
      const { stored, command } = await openHoldfast(field, folder, ['--source', 'files', '--path', tree]);
      return { name: HOLDFAST, stored, backup: command(['backup', '--json']) };
    },
    restic: async (folder) => {
      const all = { FILES: tree, ...(await resticIn(field, folder)) };
      return {
        name: 'restic',
        stored: join(folder, 'repository'),
        backup: engineStep(field.env, folder, 'files-restic-backup', all),
      };
    },
  };
}
