/** Goal: `recover.sh` takes the revision that the ledger names, with stock tools, and no other one. */
import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signStatement } from '../../src/openpgp/statement.ts';
import { tempFolder } from '../services/temp.ts';
import { SET } from '../services/world.ts';
import { FIRST_SQL, LAST_SQL, endAgents, keyring, makeRecoveryWorld, recover } from './recovery-kit.ts';
import type { Place, RecoveryWorld } from './recovery-kit.ts';
import { newOps, rotate } from './rotate-kit.ts';

let recovery: RecoveryWorld;
let before: string;
let place: Place;
let first: string;

beforeAll(async () => {
  recovery = await makeRecoveryWorld();
  first = recovery.snapshots[0];
  before = await copyOf(recovery.world.root);
  await rotate(recovery.world);
  place = { ...recovery.place, gnupg: await keyring([newOps.armor()]) };
});

afterAll(endAgents);

test('both snapshots are recovered with the new key, and neither with the old one', async () => {
  expect(await recover([SET], place)).toMatchObject({ code: 0, sql: LAST_SQL });
  expect(await recover([`${SET}@${first}`], place)).toMatchObject({ code: 0, sql: FIRST_SQL });
  const old = await recover([SET], { ...place, gnupg: recovery.place.gnupg });
  expect(old).toMatchObject({ code: 12, sql: '' });
  expect((await recover([], place)).sql.match(/until \d{4}-\d\d-\d\d, amended\n/g)).toHaveLength(2);
});

test('the parts may lie below fewer days, as in a copy', async () => {
  const store = await copyOf(recovery.world.root);
  await cp(join(store, 'keep-030'), join(store, 'keep-011'), { recursive: true });
  await rm(join(store, 'keep-030'), { recursive: true });
  expect(await recover([SET], { ...place, store })).toMatchObject({ code: 0, sql: LAST_SQL });
  await cp(join(store, 'keep-011'), join(store, 'keep-031'), { recursive: true });
  await rm(join(store, 'keep-011'), { recursive: true });
  expect(await recover([SET], { ...place, store })).toMatchObject({ code: 1, sql: '' });
});

type Harm = readonly [what: string, code: number, says: RegExp, harm: (store: string) => Promise<unknown>];
const HARMS: readonly Harm[] = [
  [
    'an amendment that is gone',
    4,
    /amend-1.json .* is gone/,
    async (store) => rm(await find(store, /amend-1/)),
  ],
  [
    'an amendment that was changed',
    4,
    /amend-1.json is not the one that the ledger names/,
    async (store) => edit(await find(store, /amend-1/), (text) => text.replace('rotation', 'Rotation')),
  ],
  [
    'the new manifest gone',
    4,
    /manifest-1.pgp is gone/,
    async (store) => rm(await find(store, /manifest-1/)),
  ],
  [
    'the new manifest of the other snapshot',
    4,
    /not the one that its entry names/,
    async (store) =>
      cp(join(store, 'keep-030', SET, 'snapshots', first, 'manifest-1.pgp'), await find(store, /manifest-1/)),
  ],
  [
    'a line of the ledger that was changed',
    4,
    /the ledger is not whole at ledger\/shop\/.*\/0000000003.json/,
    async (store) =>
      edit(await find(store, /0000000002\.json/), (text) => text.replace('"time":"2', '"time":"3')),
  ],
  [
    'the ledger gone',
    4,
    /lines of the ledger that .*amend-1.json has seen are gone/,
    (store) => rm(join(store, 'ledger'), { recursive: true }),
  ],
  [
    'a ledger that tells of more',
    1,
    /0000000003.json says more than this script knows/,
    (store) => sayLast(store, { type: 'rotation-undone', id: 'x' }),
  ],
  [
    'the last line of the ledger changed',
    4,
    /the signature of ledger\/shop\/.*\/0000000003.json is bad/,
    async (store) =>
      edit(await find(store, /0000000003\.json/), (text) => text.replace('"time":"2', '"time":"3')),
  ],
  [
    'a line of the ledger gone from between others',
    4,
    /the ledger is not whole at ledger\/shop\/.*\/0000000003.json/,
    async (store) => rm(await find(store, /0000000002\.json/)),
  ],
  [
    'a host that amends',
    4,
    /a host, which may not replace snapshots/,
    (store) => writeFile(join(store, 'writers', `${newOps.getFingerprint()}.asc`), newOps.toPublic().armor()),
  ],
];

test.each(HARMS)('%s', async (_, code, says, harm) => {
  const store = await copyOf(recovery.world.root);
  await harm(store);
  const found = await recover([SET], { ...place, store });
  expect(found.stderr).toMatch(says);
  expect(found).toMatchObject({ code, sql: '' });
});

test('a rotation that did not finish leaves what was before', async () => {
  const store = await copyOf(recovery.world.root);
  await cp(before, store, { recursive: true });
  for (const seq of [2, 3]) await rm(await find(store, new RegExp(`000000000${String(seq)}\\.json`)));
  expect(await recover([SET], { ...recovery.place, store })).toMatchObject({ code: 0, sql: LAST_SQL });
});

/** Another event in the last line of the ledger, well signed. */
async function sayLast(store: string, event: object): Promise<void> {
  const file = await find(store, /0000000003\.json/);
  const [line = ''] = (await readFile(file, 'utf8')).split('\n');
  await writeFile(file, await signStatement({ ...(JSON.parse(line) as object), event }, newOps));
}

async function copyOf(root: string): Promise<string> {
  const store = join(await tempFolder('copy'), 'store');
  await cp(root, store, { recursive: true });
  return store;
}

/** The file of this name, of the newest snapshot where there are several. */
async function find(store: string, name: RegExp): Promise<string> {
  const files = (await readdir(store, { recursive: true })).filter((file) => name.test(basename(file)));
  // Two snapshots of one second are not in order by their ids.
  const file = files.find((path) => path.includes(recovery.snapshots[1])) ?? files[0];
  if (file === undefined) throw new Error(`no ${String(name)}`);
  return join(store, file);
}

async function edit(file: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error('nothing was changed');
  await writeFile(file, changed);
}
