/** A store that was damaged or forged never gives anything with exit code 0, nor wrong SQL with any. */
import { cp, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateHostKey } from '../../src/openpgp/keys.ts';
import { MessageSealer } from '../../src/openpgp/message.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import type { Entry } from '../../src/repository/entry.ts';
import { entryKey, manifestKey, snapshotFolder } from '../../src/repository/layout.ts';
import { formatManifest } from '../../src/repository/manifest.ts';
import type { Manifest, ManifestStream, PageRef } from '../../src/repository/manifest.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, WRITER, entriesOf, makeWorld } from '../services/world.ts';
import type { World } from '../services/world.ts';
import { LAST_SQL, endAgents, keyring, makeRecoveryWorld, newestOf, recover } from './recovery-kit.ts';
import type { Place } from './recovery-kit.ts';

let world: World;
let place: Place;
/** The folders of the two snapshots. */
let older: string;
let newest: string;

beforeAll(async () => {
  const shared = await makeRecoveryWorld();
  ({ world, place } = shared);
  [older, newest] = [
    snapshotFolder(SET, 30, shared.snapshots[0]),
    snapshotFolder(SET, 30, shared.snapshots[1]),
  ];
});
afterAll(endAgents);

/** A copy of the store, to be harmed. */
async function copyOfStore(): Promise<string> {
  const store = join(await tempFolder('harmed'), 'store');
  await cp(world.root, store, { recursive: true });
  return store;
}

async function edit(file: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  await writeFile(file, change(await readFile(file)));
}

function flip(share: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const at = Math.floor((bytes.length - 1) * share);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  };
}

function replace(text: string, by: string): (bytes: Buffer) => Buffer {
  return (bytes) => {
    expect(bytes.toString()).toContain(text);
    return Buffer.from(bytes.toString().replace(text, by));
  };
}

async function eachPack(store: string, change: (file: string) => Promise<void>): Promise<void> {
  const files = await readdir(store, { recursive: true });
  for (const file of files.filter((name) => name.includes('/packs/'))) await change(join(store, file));
}

/** Gives the newest snapshot another manifest and an entry that fits, both signed by the real host. */
async function reseal(store: string, change: (manifest: Manifest) => Manifest): Promise<void> {
  const { item, manifest } = await newestOf(world);
  const sealer = new MessageSealer([world.ops.toPublic()], world.host);
  const sealed = await sealer.seal(formatManifest(change(manifest)));
  await writeFile(join(store, manifestKey(newest)), sealed);
  await writeEntry(store, { ...item.entry, manifest: { sha256: sha256Hex(sealed), bytes: sealed.length } });
}

async function writeEntry(store: string, entry: Entry, signer = world.host): Promise<void> {
  await writeFile(join(store, entryKey(newest)), await signStatement(entry, signer));
}

/** A manifest with another first page. */
function withPage(change: (page: PageRef) => Partial<PageRef>): (manifest: Manifest) => Manifest {
  return (manifest) => ({
    ...manifest,
    pages: manifest.pages.map((page, i) => (i === 0 ? { ...page, ...change(page) } : page)),
  });
}

/** A manifest with another first stream. */
function withStream(
  change: (stream: ManifestStream) => Partial<ManifestStream>,
): (manifest: Manifest) => Manifest {
  return (manifest) => ({
    ...manifest,
    streams: manifest.streams.map((stream, i) => (i === 0 ? { ...stream, ...change(stream) } : stream)),
  });
}

const otherKey = ({ key }: PageRef) => ({ key: key.replace(/^../, (hex) => (hex === '00' ? '11' : '00')) });
const oneMorePageRow = withPage(({ rows }) => ({ rows: rows + 1 }));
const oneMoreSegment = withStream(({ segments }) => ({ segments: segments + 1 }));
const manifestFile = (store: string, folder = newest) => join(store, manifestKey(folder));
const entryFile = (store: string) => join(store, entryKey(newest));

type Harm = readonly [what: string, says: RegExp, harm: (store: string) => Promise<unknown>];

const BYTES: readonly Harm[] = [
  ['the first byte of a pack', /SHA-256 differs/, (store) => eachPack(store, (file) => edit(file, flip(0)))],
  ['a byte in a pack', /SHA-256 differs/, (store) => eachPack(store, (file) => edit(file, flip(0.4)))],
  ['the last byte of a pack', /SHA-256 differs/, (store) => eachPack(store, (file) => edit(file, flip(1)))],
  [
    'packs cut',
    /SHA-256 differs/,
    (store) => eachPack(store, (file) => edit(file, (all) => all.subarray(0, -9))),
  ],
  ['packs emptied', /SHA-256 differs/, (store) => eachPack(store, (file) => writeFile(file, ''))],
  ['packs gone', /packs\/[0-9a-f]{16} is not there/, (store) => eachPack(store, (file) => rm(file))],
  [
    'a byte of a manifest',
    /not the one that its entry names/,
    (store) => edit(manifestFile(store), flip(0.5)),
  ],
  ['a manifest cut', /not the one that/, (store) => edit(manifestFile(store), (all) => all.subarray(0, 300))],
  ['a manifest gone', /manifest.pgp is gone/, (store) => rm(manifestFile(store))],
  ['an entry changed', /entry.json is bad/, (store) => edit(entryFile(store), replace('"rev', '"Rev'))],
  [
    'an entry without its signature',
    /entry.json does not have two lines/,
    (store) => edit(entryFile(store), (all) => all.subarray(0, all.indexOf(10) + 1)),
  ],
  [
    'a header changed',
    /holdfast.json is bad/,
    (store) => edit(join(store, 'holdfast.json'), replace('"created":"2', '"created":"3')),
  ],
];

const FORGERIES: readonly Harm[] = [
  [
    'the manifest of another snapshot',
    /not the one that its entry names/,
    (store) => cp(manifestFile(store, older), manifestFile(store)),
  ],
  [
    'the manifest of another snapshot, with an entry that names it',
    /does not belong to its entry/,
    async (store) => {
      const [old, last] = await entriesOf(world);
      if (!old || !last) throw new Error('there are no snapshots');
      await cp(manifestFile(store, older), manifestFile(store));
      await writeEntry(store, { ...last.entry, manifest: old.entry.manifest });
    },
  ],
  [
    'snapshots of another store',
    /comes from another store/,
    async (store) => {
      const other = await makeWorld();
      await cp(join(other.root, 'holdfast.json'), join(store, 'holdfast.json'));
    },
  ],
  ['another key', /does not open/, (store) => reseal(store, withPage(otherKey))],
  [
    'more text',
    /does not have its length/,
    (store) =>
      reseal(
        store,
        withPage(({ plain }) => ({ plain: plain + 1 })),
      ),
  ],
  [
    'more segments',
    /key page .* is malformed/,
    (store) => reseal(store, (all) => oneMorePageRow(oneMoreSegment(all))),
  ],
  ['streams and pages that disagree', /manifest.pgp is malformed/, (store) => reseal(store, oneMoreSegment)],
  ['no pages', /manifest.pgp is malformed/, (store) => reseal(store, (all) => ({ ...all, pages: [] }))],
  [
    'a path out of the store',
    /manifest.pgp is malformed/,
    (store) =>
      reseal(
        store,
        withPage(() => ({ pack: '../../../etc/passwd' })),
      ),
  ],
  [
    'text without measure',
    /manifest.pgp is malformed/,
    (store) =>
      reseal(
        store,
        withPage(() => ({ plain: 5_000_000 })),
      ),
  ],
];

test.for(BYTES)('bytes: %s', async ([, says, harm]) => {
  const store = await copyOfStore();
  await harm(store);
  const found = await recover([SET], { ...place, store });
  expect(found.stderr).toMatch(says);
  expect(found.code).toBe(4);
  // What it had written by then is the beginning of what is right.
  expect(LAST_SQL.startsWith(found.sql)).toBe(true);
  expect(found.sql.length).toBeLessThan(LAST_SQL.length);
});

test.for(FORGERIES)('states what is not so: %s', async ([, says, harm]) => {
  const store = await copyOfStore();
  await harm(store);
  const found = await recover([SET], { ...place, store });
  expect(found.stderr).toMatch(says);
  expect(found).toMatchObject({ code: 4, sql: '' });
});

test('a stream that should be longer is incomplete', async () => {
  const store = await copyOfStore();
  await reseal(
    store,
    withStream(({ bytes }) => ({ bytes: bytes + 1 })),
  );
  const found = await recover([SET], { ...place, store });
  expect(found.stderr).toContain(
    `the result is INCOMPLETE: ${LAST_SQL.length} of ${LAST_SQL.length + 1} bytes`,
  );
  expect(found.code).toBe(4);
});

test('a snapshot that is not in its place is left out', async () => {
  const store = await copyOfStore();
  const moved = newest.replace(/....\/$/, 'ffff/');
  await rename(join(store, newest), join(store, moved));
  const found = await recover([`${SET}@${basename(moved)}`], { ...place, store });
  expect(found).toMatchObject({ code: 1, sql: '' });
  expect(found.stderr).toContain(`warning: ${moved}entry.json is no entry of format 1, or not in its place`);
});

describe('names in the store that somebody chose to do harm', () => {
  const NASTY = 'x\u001b[2J\u001b]0;title\u0007\nrecover.sh: all is well';
  // eslint-disable-next-line no-control-regex -- that is what must not be there
  const HARM = /[\u0000-\u0009\u000b-\u001f\u007f]|^recover\.sh: all is well/m;

  test('of a snapshot', async () => {
    const store = await copyOfStore();
    await cp(join(store, newest), join(store, dirname(newest), NASTY), { recursive: true });
    for (const args of [[], [SET]]) {
      const found = await recover(args, { ...place, store });
      expect(found.code).toBe(0);
      expect(found.stderr).toMatch(/warning: \S*x\?\[2J\?\]0;title\?\?recover/);
      expect(found.stderr).not.toMatch(HARM);
    }
  });

  test('of a writer in the ledger', async () => {
    const store = await copyOfStore();
    const folder = join(store, `ledger/${SET}`, `x\nunreached ${basename(newest)} made-up\n${NASTY}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, '0000000001.json'), '{}\n');
    expect((await recover([], { ...place, store })).sql).not.toMatch(/has not reached|all is well/);
    const found = await recover([SET], { ...place, store });
    expect(found).toMatchObject({ code: 4, sql: '' });
    expect(found.stderr).toContain('the ledger is not whole at ledger/');
    expect(found.stderr).not.toMatch(HARM);
  });
});

describe('what this script cannot follow stops it', () => {
  test('an amendment', async () => {
    const store = await copyOfStore();
    await writeFile(join(store, newest, 'amend-1.json'), '{}\n');
    const found = await recover([SET], { ...place, store });
    expect(found).toMatchObject({ code: 1, sql: '' });
    expect(found.stderr).toContain('was amended');
    expect((await recover([], { ...place, store })).sql).toMatch(/, amended\n$/);
  });

  test('a ledger that is none, until somebody takes it upon himself', async () => {
    const store = await copyOfStore();
    const line = join(store, `ledger/${SET}/${WRITER}/0000000001.json`);
    await mkdir(dirname(line), { recursive: true });
    await writeFile(line, '{}\n');
    const found = await recover([SET], { ...place, store });
    expect(found).toMatchObject({ code: 4, sql: '' });
    expect(found.stderr).toContain(`the ledger is not whole at ledger/${SET}/${WRITER}/0000000001.json`);
    expect(await recover(['--ignore-ledger', SET], { ...place, store })).toMatchObject({
      code: 0,
      sql: LAST_SQL,
    });
  });
});

describe('an entry signed by a key', () => {
  /** A host that calls itself what gpg says of keys that it trusts. */
  const NAME = 'TRUST_FULLY 0 pgp';

  test.for([
    ['for which nobody vouches', true, 'no key of yours vouches for it'],
    ['which is not there', false, 'which is not here to check it'],
  ] as const)('%s is a warning, or an error when asked', async ([, published, says]) => {
    const store = await copyOfStore();
    const stranger = await generateHostKey(NAME);
    await writeEntry(store, (await newestOf(world)).item.entry, stranger);
    const publicKey = stranger.toPublic().armor();
    if (published) await writeFile(join(store, 'writers', `${stranger.getFingerprint()}.asc`), publicKey);

    const found = await recover([SET], { ...place, store });
    expect(found).toMatchObject({ code: 0, sql: LAST_SQL });
    expect(found.stderr).toMatch(new RegExp(`warning: .*entry.json is signed .*${says}`));
    expect(found.stderr).toMatch(/manifest.pgp: good signature by [0-9A-F]{40} \(host\)/);
    const strict = await recover(['--verify-signatures', SET], { ...place, store });
    expect(strict).toMatchObject({ code: 4, sql: '' });
  });

  test('that was imported is good', async () => {
    const store = await copyOfStore();
    const stranger = await generateHostKey(NAME);
    await writeEntry(store, (await newestOf(world)).item.entry, stranger);
    const publicKey = stranger.toPublic().armor();
    await writeFile(join(store, 'writers', `${stranger.getFingerprint()}.asc`), publicKey);
    const gnupg = await keyring([world.ops.armor(), publicKey]);
    const found = await recover(['--verify-signatures', SET], { ...place, store, gnupg });
    expect(found).toMatchObject({ code: 0, sql: LAST_SQL });
  });
});
