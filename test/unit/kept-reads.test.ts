/** Reads that are kept in a file come back as they were, or not at all. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readReads, writeReads } from '../../src/stores/kept-reads.ts';
import { tempFolder } from '../services/temp.ts';

const PIECES = [
  { key: 'keep-030/shop/chains/db1-1/packs/1', offset: 0, bytes: Buffer.from('one') },
  { key: 'keep-030/shop/chains/db1-1/packs/1', offset: 7, bytes: Buffer.alloc(0) },
  { key: 'keep-030/shop/chains/db1-1/index/2', offset: 40, bytes: Buffer.from('two\n{"three":[]}\n') },
];

async function written(): Promise<string> {
  const file = join(await tempFolder('reads'), 'reads');
  await writeReads(file, PIECES);
  return file;
}

test('what was written is read, by this user only', async () => {
  const file = await written();
  expect(await readReads(file)).toEqual(PIECES);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await writeReads(file, PIECES.slice(1));
  expect(await readReads(file)).toEqual(PIECES.slice(1));
});

test('of a file that is damaged only what is whole is read', async () => {
  const file = await written();
  const whole = await readFile(file);
  const changed = Buffer.from(whole);
  changed.write('ONE', whole.indexOf('onetwo'));
  await writeFile(file, changed);
  expect(await readReads(file)).toEqual(PIECES.slice(1));
  await writeFile(file, whole.subarray(0, -1));
  expect(await readReads(file)).toEqual(PIECES.slice(0, 2));
  for (const bytes of ['', '[]', 'x\n', '{"a":1}\n', whole.subarray(2)]) {
    await writeFile(file, bytes);
    expect(await readReads(file)).toEqual([]);
  }
  expect(await readReads(`${file}-that-is-not-there`)).toEqual([]);
});
