/** Goal: whatever happens to the file of a SQLite database, a backup refuses it, or holds just what SQLite itself reads in it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { collect, contentsOf, scriptOf, shellLoad } from '../integration/sqlite-kit.ts';
import { withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { mutated, mutations, runSeed } from './mutated.kit.ts';

const RUNS = 200;

const CONTENT = `
  PRAGMA page_size = 512;
  CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB);
  CREATE INDEX by_v ON t (v);
  CREATE TABLE w (k TEXT PRIMARY KEY, n REAL) WITHOUT ROWID;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO t SELECT i, 'text ' || i, zeroblob(i * 7) FROM n;
  INSERT INTO w VALUES ('a', 1.5), ('b', -1e300), ('c', NULL);
  CREATE TABLE gone AS SELECT * FROM t; DROP TABLE gone;`;

test('a changed database file', { timeout: 300_000 }, async () => {
  const folder = await tempFolder('mutated');
  const path = join(folder, 'good.db');
  withDatabase(path, (db) => {
    db.exec(CONTENT);
  });
  const good = await readFile(path);
  const telling = ['\0', '\xff', 'CREATE TABLE x (a);', 'SQLite format 3\0', '\x80\x80'];
  let refused = 0;
  let taken = 0;
  const seed = runSeed();
  for (const [run, changes] of fc.sample(mutations(telling), { numRuns: RUNS, seed }).entries()) {
    // What moves bytes is refused at once: mostly it is a byte that is another one.
    const only =
      run % 4 === 0
        ? changes
        : changes.map(({ at }) => ({ kind: 'flip', at, mask: (at % 255) + 1 }) as const);
    const bytes = mutated(good, only);
    const outcome = await roundTrip(bytes, join(folder, String(run)));
    if (outcome === 'refused') refused += 1;
    else {
      taken += 1;
      expect(outcome.restored, `seed ${seed}: ${JSON.stringify(only)}`).toEqual(outcome.read);
    }
  }
  expect(refused).toBeGreaterThan(RUNS / 4);
  expect(taken).toBeGreaterThan(RUNS / 20);
});

async function roundTrip(bytes: Buffer, name: string) {
  const [path, copy] = [`${name}.db`, `${name}-copy.db`];
  await writeFile(path, bytes);
  let script: Buffer;
  try {
    script = scriptOf(await collect(path, `${name}-scratch`));
  } catch (error) {
    if (isHoldfastError(error)) return 'refused';
    throw error;
  }
  shellLoad(script, copy);
  return { restored: contentsOf(copy), read: contentsOf(path) };
}
