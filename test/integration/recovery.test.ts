/**
 * Recovery without us: `recover.sh`, as it lies in the store, with stock gpg and zstd and no Node, gives the SQL that
 * `cat` gives, and a damaged or forged store never gives anything with exit code 0.
 */
import { execFile } from 'node:child_process';
import {
  access,
  chmod,
  cp,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { execa } from 'execa';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { generateHostKey, generateRecipientKey } from '../../src/openpgp/keys.ts';
import { openpgp } from '../../src/openpgp/library.ts';
import { KeyOpener, MessageSealer } from '../../src/openpgp/message.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import type { Entry } from '../../src/repository/entry.ts';
import { entryKey, manifestKey, snapshotFolder } from '../../src/repository/layout.ts';
import { formatManifest } from '../../src/repository/manifest.ts';
import type { Manifest } from '../../src/repository/manifest.ts';
import { openManifest } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { script } from '../../src/restore/script.ts';
import type { ScriptOptions } from '../../src/restore/script.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { locate, locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { SET, SIGNAL, WRITER, entriesOf, makeWorld, rowsOf, sqlOf } from '../services/world.ts';
import type { Tables, World } from '../services/world.ts';
import { contentsOf, makeAwkward } from './sqlite-kit.ts';

const run = promisify(execFile);
const SECRET = 'correct horse';

/** Everything that the script may use, and nothing else: gpg, zstd, and what any Unix has. */
const TOOLS =
  `awk cat cut date dirname gpg grep head mkdir mktemp od rm sed sha256sum sort tail tr wc zstd`.split(' ');
const SHELLS = [['sh'], ['bash', '--posix'], ['dash'], ['busybox', 'sh']].filter(
  ([shell = '']) => locate(shell) !== undefined,
);

interface Recovered {
  readonly code: number | undefined;
  readonly stdout: Buffer;
  readonly sql: string;
  readonly stderr: string;
}

interface Place {
  readonly store: string;
  readonly shell?: readonly string[];
  readonly tools?: string;
  readonly gnupg?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdout?: number;
  readonly killAfterMs?: number;
}

let tools: string;
/** A key ring that holds the private key of `world.ops`. */
let gnupg: string;
let world: World;
let snapshots: string[];

const DAYS: readonly Tables[] = [
  { users: rowsOf(12_000), orders: rowsOf(40), '"Odd ""Name"""': rowsOf(3) },
  { users: rowsOf(12_100), orders: rowsOf(50), empty: [], '"Odd ""Name"""': rowsOf(3) },
];

beforeAll(async () => {
  tools = await toolFolder();
  world = await makeWorld();
  snapshots = [];
  for (const tables of DAYS) snapshots.push((await world.backup(tables)).entry.snapshot);
  gnupg = await keyring([world.ops.armor()]);
});

/** A folder with these programs only, some of them replaced by scripts. */
async function toolFolder(replaced: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = await tempFolder('tools');
  for (const tool of TOOLS.filter((name) => !(name in replaced)))
    await symlink(locateOrThrow(tool), join(folder, tool));
  for (const [name, body] of Object.entries(replaced)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${body}\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

/** A throw-away GNUPGHOME; its agent ends with the test run. */
async function keyring(armored: readonly string[]): Promise<string> {
  const folder = await tempFolder('gnupg');
  const end = () => run('gpgconf', ['--homedir', folder, '--kill', 'gpg-agent']);
  for (const key of armored)
    await execa('gpg', ['--homedir', folder, '--batch', '--quiet', '--import'], { input: key });
  agents.push(end);
  return folder;
}
const agents: (() => Promise<unknown>)[] = [];
beforeAll(() => async () => {
  for (const end of agents) await end();
});

async function recover(args: readonly string[], place: Place): Promise<Recovered> {
  const [shell = 'sh', ...flags] = place.shell ?? ['sh'];
  const child = execa(locateOrThrow(shell), [...flags, 'recover.sh', ...args], {
    cwd: place.store,
    env: { PATH: place.tools ?? tools, HOME: '/nonexistent', GNUPGHOME: place.gnupg ?? gnupg, ...place.env },
    extendEnv: false,
    reject: false,
    encoding: 'buffer',
    stdin: 'ignore',
    maxBuffer: 1 << 28,
    ...(place.stdout === undefined ? {} : { stdout: place.stdout }),
  });
  const timer =
    place.killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGTERM'), place.killAfterMs);
  const { exitCode, stdout, stderr } = await child;
  clearTimeout(timer);
  const bytes = Buffer.from((stdout as Uint8Array | undefined) ?? []);
  const said = Buffer.from(stderr).toString();
  // Session keys and hashes alike are 64 hex digits; neither is for the screen.
  expect(said).not.toMatch(/[0-9a-f]{64}/i);
  return { code: exitCode, stdout: bytes, sql: bytes.toString(), stderr: said };
}

/** What `holdfast cat` prints for the newest snapshot. */
async function cat(from: World, options: ScriptOptions = { globals: false }): Promise<Buffer> {
  const item = (await entriesOf(from)).at(-1);
  if (!item) throw new Error('no snapshot');
  const manifest = await openManifest(from.session, item, new KeyOpener([from.ops]), SIGNAL);
  await using pool = new SegmentPool(1);
  return Buffer.concat(
    await Array.fromAsync(script(new SnapshotReader(from.store, manifest, pool), options, SIGNAL)),
  );
}

/** The keys after \restrict are random. */
function withoutKey(sql: Buffer): string {
  return sql.toString().replaceAll(/^(\\(?:un)?restrict) [0-9a-f]{48}$/gm, '$1 KEY');
}

test('there is no Node where the script runs', async () => {
  const found = await execa('/bin/sh', ['-c', 'command -v node nodejs npm'], {
    env: { PATH: tools },
    extendEnv: false,
    reject: false,
  });
  expect(found).toMatchObject({ stdout: '', exitCode: 127 });
});

describe.for(SHELLS)('with %s %s', (shell) => {
  test('an SQLite database comes back, byte for byte what cat gives', async () => {
    const folder = await tempFolder('sqlite');
    const [original, copy] = [join(folder, 'original.db'), join(folder, 'copy.db')];
    makeAwkward(original);
    const shop = await makeWorld();
    await shop.backup({}, { source: sqliteSource({ path: original, scratch: join(folder, 'scratch') }) });
    const place = { store: shop.root, shell, gnupg: await keyring([shop.ops.armor()]) };

    const found = await recover(['--verify-signatures', SET], place);

    expect(found.stderr).toContain('recover.sh: complete: ');
    expect(found.code).toBe(0);
    expect(found.stdout.equals(await cat(shop))).toBe(true);
    const load = ['-bail', '-cmd', '.dbconfig defensive off', copy];
    expect((await execa('sqlite3', load, { input: found.stdout })).stderr).toBe('');
    expect(contentsOf(copy)).toEqual(contentsOf(original));
  });

  test('lists the sets and snapshots', async () => {
    const list = await recover([], { store: world.root, shell });
    expect(list).toMatchObject({ code: 0, stderr: '' });
    const rows = list.sql.trim().split('\n');
    expect(rows[0]).toMatch(/^SET +SNAPSHOT +TAKEN \(UTC\) +MB OF SQL +SOURCE +STATE$/);
    expect(rows.slice(1).map((row) => row.split(/ +/).slice(0, 2))).toEqual(snapshots.map((id) => [SET, id]));
    expect(rows[1]).toMatch(/ \d{4}-\d\d-\d\d \d\d:\d\d +\d+\.\d +sqlite +until \d{4}-\d\d-\d\d$/);
  });
});

test('a PostgreSQL database comes back, byte for byte what cat gives', async () => {
  const postgres = await usePostgres();
  const [original, copy] = [
    await postgres.createDatabase('recovery'),
    await postgres.createDatabase('recovered'),
  ];
  onTestFinished(async () => {
    for (const url of [original, copy]) await postgres.dropDatabase(url);
  });
  await postgres.psql(original, await readFile(join(import.meta.dirname, '../services/awkward.sql'), 'utf8'));
  const shop = await makeWorld();
  await shop.backup({}, { source: postgresSource({ url: original }) });
  const place = { store: shop.root, gnupg: await keyring([shop.ops.armor()]) };

  const found = await recover([SET], place);

  expect(found).toMatchObject({ code: 0 });
  expect(found.sql).toMatch(/^\\restrict ([0-9a-f]{48})\n[^]*\n\\unrestrict \1\n$/);
  expect(withoutKey(found.stdout)).toBe(withoutKey(await cat(shop)));
  const file = join(await tempFolder('sql'), 'dump.sql');
  await writeFile(file, found.stdout);
  await run(locateOrThrow('psql'), ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', copy, '-f', file], {
    maxBuffer: 1 << 26,
  });
  expect(await pgDump(copy)).toBe(await pgDump(original));

  const globals = await recover(['--globals', '--no-restrict', SET], place);
  expect(globals).toMatchObject({ code: 0 });
  const all = withoutKey(await cat(shop, { globals: true }));
  expect(all).toBe(`\\restrict KEY\n${globals.sql}${withoutKey(found.stdout).replace(/^.*\n/, '')}`);
  expect(globals.sql).toContain('CREATE ROLE ');
});

async function pgDump(url: string): Promise<string> {
  const { stdout } = await run(locateOrThrow('pg_dump'), [`--dbname=${url}`], { maxBuffer: 1 << 28 });
  return stdout.replaceAll(/^\\(?:un)?restrict .*\n/gm, '');
}

describe('what is asked for', () => {
  test('a snapshot by id, by its beginning, by day, or as the latest', async () => {
    const [first = '', second = ''] = snapshots;
    const day = new Date().toISOString().slice(0, 10);
    const old = sqlOf(DAYS[0] ?? {});
    const recent = sqlOf(DAYS[1] ?? {});
    expect((await recover([`${SET}@${first}`], { store: world.root })).sql).toBe(old);
    expect((await recover([`${SET}@${second.slice(0, -2)}`], { store: world.root })).sql).toBe(recent);
    if (new Date().toISOString().startsWith(day)) {
      expect((await recover([`${SET}@${day}`], { store: world.root })).sql).toBe(recent);
    }
    expect((await recover(['--store', world.root, `${SET}@latest`], { store: world.root })).sql).toBe(recent);
  });

  test.for([
    ['users', 'users'],
    ['orders', 'orders'],
    ['empty', 'empty'],
    ['"Odd ""Name"""', '"Odd ""Name"""'],
    ['Odd Name', '"Odd ""Name"""'],
  ] as const)('the table %s', async ([name, table]) => {
    const found = await recover(['--table', name, SET], { store: world.root });
    expect(found).toMatchObject({ code: 0 });
    expect(found.sql).toBe((DAYS[1]?.[table] ?? []).map((row) => `${row}\n`).join(''));
  });

  test.for([
    [['--help'], 0, ''],
    [['--oops'], 2, 'there is no option --oops'],
    [['--table'], 2, '--table needs a value'],
    [['shop', 'shop'], 2, 'more than one snapshot is named'],
    [['../shop'], 2, '../shop is not the name of a set'],
    [['nowhere'], 1, 'there is no snapshot nowhere'],
    [['shop@2001-01-01'], 1, 'there is no snapshot shop@2001-01-01'],
    [['--table', 'user', 'shop'], 1, 'there are these tables:\n  users\n  orders\n'],
    [['--globals', 'shop'], 1, 'the snapshot has no globals'],
    [['--store', '/nonexistent', 'shop'], 10, 'there is no holdfast.json in /nonexistent'],
  ] as const)('%j exits with %i', async ([args, code, text]) => {
    const found = await recover(args, { store: world.root });
    expect(found).toMatchObject({ code });
    expect(found.stderr).toContain(text);
    expect(found.sql.startsWith('Gets a database back')).toBe(code === 0);
  });

  test('a snapshot past its end only when that is said', async () => {
    const later = await toolFolder({ date: 'echo 2199-01-01T00:00:00' });
    const place = { store: world.root, tools: later };
    expect((await recover([], place)).sql).toMatch(/expired \d{4}-\d\d-\d\d\n$/);
    const refused = await recover([SET], place);
    expect(refused).toMatchObject({ code: 1, sql: '' });
    expect(refused.stderr).toContain('what there is of shop is past its end');
    expect(await recover(['--expired', SET], place)).toMatchObject({ code: 0, sql: sqlOf(DAYS[1] ?? {}) });
  });
});

describe('keys', () => {
  test('a key with a passphrase, right, wrong and missing', async () => {
    const locked = await openpgp.encryptKey({ privateKey: world.ops, passphrase: SECRET });
    const place = { store: world.root, gnupg: await keyring([locked.armor()]) };
    const file = join(await tempFolder('phrase'), 'phrase');
    const env = { GPG_OPTIONS: `--batch --pinentry-mode loopback --passphrase-file ${file}` };
    await writeFile(file, 'wrong');
    for (const options of [env, { GPG_OPTIONS: '--batch --pinentry-mode error' }]) {
      const refused = await recover([SET], { ...place, env: options });
      expect(refused).toMatchObject({ code: 12, sql: '' });
      expect(refused.stderr).toContain('error: gpg cannot open the manifest');
    }
    await writeFile(file, SECRET);
    expect(await recover([SET], { ...place, env })).toMatchObject({ code: 0, sql: sqlOf(DAYS[1] ?? {}) });
  });

  test('without the private key of a recipient nothing comes out', async () => {
    const stranger = await generateRecipientKey('stranger', undefined);
    const found = await recover([SET], { store: world.root, gnupg: await keyring([stranger.armor()]) });
    expect(found).toMatchObject({ code: 12, sql: '' });
    expect(found.stderr).toContain('gpg: decryption failed: No secret key');
  });

  test('session keys are in no argument, and the private folder is gone in the end', async () => {
    const folder = await tempFolder('watched');
    const [calls, made] = [join(folder, 'calls'), join(folder, 'made')];
    const watched = await toolFolder({
      gpg: `echo "$*" >>${calls}; exec ${locateOrThrow('gpg')} "$@"`,
      mktemp: `${locateOrThrow('mktemp')} "$@" | tee -a ${made}`,
      tee: `exec ${locateOrThrow('tee')} "$@"`,
    });
    const place = { store: world.root, tools: watched };
    expect(await recover([SET], place)).toMatchObject({ code: 0 });
    expect((await recover([SET], { ...place, killAfterMs: 150 })).code).not.toBe(0);
    const said = await readFile(calls, 'utf8');
    expect(said.split('\n').length).toBeGreaterThan(10);
    expect(said).not.toMatch(/[0-9a-f]{64}/i);
    for (const path of (await readFile(made, 'utf8')).trim().split('\n'))
      await expect(access(path)).rejects.toThrow('ENOENT');
  });

  test('the script itself is signed, and the commands by hand work as they are written', async () => {
    const cwd = world.root;
    const env = { PATH: tools, GNUPGHOME: gnupg, LC_ALL: 'C' };
    const signed = await execa('gpg', ['--verify', 'recover.sh.asc', 'recover.sh'], { cwd, env });
    expect(signed.stderr).toContain('Good signature from "ops"');
    const text = await readFile(join(cwd, 'RECOVERY.md'), 'utf8');
    const [open = '', next = ''] = [
      ...text.slice(text.indexOf('## By hand')).matchAll(/```sh\n([^]*?)```/g),
    ].map(([, code]) => code);
    const commands = `${open}${next}${open.split('\n').slice(2).join('\n')}`
      .replaceAll(
        'keep-030/shop/snapshots/20261121T030005Z-9f3a',
        `keep-030/${SET}/snapshots/${snapshots[1] ?? ''}`,
      )
      .replaceAll('shop/chains/db1-1', `${SET}/chains/${WRITER}-1`)
      .replaceAll(/> (manifest|sealed|opened)/g, `> "$OUT/$1"`)
      .replaceAll(/(grep '\^page '|-n 2p|--decrypt) (manifest|sealed|opened)/g, '$1 "$OUT/$2"')
      .replaceAll('  sealed"', '  $OUT/sealed"');
    const out = await tempFolder('by-hand');
    await execa('/bin/sh', ['-c', commands], {
      cwd,
      env: { ...env, OUT: out },
      extendEnv: false,
      reject: false,
    });
    expect(await readFile(join(out, 'opened'), 'utf8')).toBe('-- begin\n');
  });
});

describe('a damaged or forged store', () => {
  /** A copy of the store, to be harmed. */
  async function copyOfStore(): Promise<string> {
    const store = join(await tempFolder('harmed'), 'store');
    await cp(world.root, store, { recursive: true });
    return store;
  }

  const folderOf = (snapshot = ''): string => snapshotFolder(SET, 30, snapshot);
  const newest = (): string => folderOf(snapshots[1]);

  async function packsOf(store: string): Promise<string[]> {
    const files = await readdir(store, { recursive: true });
    return files
      .filter((file) => file.includes('/packs/'))
      .map((file) => join(store, file))
      .sort();
  }

  async function edit(file: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
    await writeFile(file, change(await readFile(file)));
  }

  const flip = (share: number) => (bytes: Buffer) => {
    const at = Math.min(Math.floor(bytes.length * share), bytes.length - 1);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    return bytes;
  };

  /** Gives the newest snapshot another manifest and an entry that fits, both signed by the real host. */
  async function reseal(
    store: string,
    change: (manifest: Manifest) => Manifest,
    about: Partial<Entry> = {},
  ): Promise<void> {
    const item = (await entriesOf(world)).at(-1);
    if (!item) throw new Error('no snapshot');
    const manifest = change(await openManifest(world.session, item, new KeyOpener([world.ops]), SIGNAL));
    const sealed = await new MessageSealer([world.ops.toPublic()], world.host).seal(formatManifest(manifest));
    const named = { sha256: sha256Hex(sealed), bytes: sealed.length };
    await writeFile(join(store, manifestKey(newest())), sealed);
    await writeEntry(store, { ...item.entry, manifest: named, ...about });
  }

  async function writeEntry(store: string, entry: Entry, signer = world.host): Promise<void> {
    await writeFile(join(store, entryKey(newest())), await signStatement(entry, signer));
  }

  /** The manifest with another first page. */
  const page = (change: (page: Manifest['pages'][number]) => object) => (manifest: Manifest) => ({
    ...manifest,
    pages: manifest.pages.map((one, i) => (i === 0 ? { ...one, ...change(one) } : one)),
  });

  const eachPack = (change: (file: string) => Promise<void>) => async (store: string) => {
    for (const pack of await packsOf(store)) await change(pack);
  };
  const manifestFile = (store: string) => join(store, manifestKey(newest()));
  const entryFile = (store: string) => join(store, entryKey(newest()));

  const HARMS: Readonly<
    Record<string, readonly [harm: (store: string) => Promise<void>, says: string | RegExp]>
  > = {
    'the first byte of a pack flipped': [eachPack((file) => edit(file, flip(0))), 'its SHA-256 differs'],
    'a byte in the middle of a pack flipped': [
      eachPack((file) => edit(file, flip(0.5))),
      'its SHA-256 differs',
    ],
    'the last byte of a pack flipped': [eachPack((file) => edit(file, flip(1))), 'its SHA-256 differs'],
    'packs cut': [eachPack((file) => edit(file, (bytes) => bytes.subarray(0, -10))), 'its SHA-256 differs'],
    'packs emptied': [eachPack((file) => writeFile(file, '')), 'its SHA-256 differs'],
    'packs gone': [eachPack((file) => rm(file)), /packs\/[0-9a-f]{16} is not there/],
    'a byte of the manifest flipped': [
      (store) => edit(manifestFile(store), flip(0.5)),
      'not the one that its entry names',
    ],
    'the manifest cut': [
      (store) => edit(manifestFile(store), (bytes) => bytes.subarray(0, 300)),
      'not the one that its entry names',
    ],
    'the manifest gone': [(store) => rm(manifestFile(store)), 'manifest.pgp is gone'],
    'manifests swapped': [
      (store) => cp(join(store, manifestKey(folderOf(snapshots[0]))), manifestFile(store)),
      'not the one that its entry names',
    ],
    'an entry changed': [
      (store) =>
        edit(entryFile(store), (bytes) =>
          Buffer.from(bytes.toString().replace('"full":false', '"full":true')),
        ),
      'entry.json is bad',
    ],
    'an entry without its signature': [
      (store) => edit(entryFile(store), (bytes) => bytes.subarray(0, bytes.indexOf(10) + 1)),
      'does not have two lines',
    ],
    'an entry signed for another manifest': [
      async (store) => {
        const [old, last] = await entriesOf(world);
        if (!old || !last) throw new Error('no snapshots');
        await cp(join(store, manifestKey(folderOf(snapshots[0]))), manifestFile(store));
        await writeEntry(store, { ...last.entry, manifest: old.entry.manifest });
      },
      'does not belong to its entry',
    ],
    'a header changed': [
      (store) =>
        edit(join(store, 'holdfast.json'), (bytes) =>
          Buffer.from(bytes.toString().replace('"created":"2', '"created":"3')),
        ),
      'holdfast.json is bad',
    ],
    'snapshots of another store': [
      async (store) => {
        const other = await makeWorld();
        for (const file of ['holdfast.json', 'writers'])
          await cp(join(other.root, file), join(store, file), { recursive: true });
      },
      'comes from another store',
    ],
    'a page that claims more text': [
      (store) =>
        reseal(
          store,
          page(({ plain }) => ({ plain: plain + 1 })),
        ),
      'does not have its length',
    ],
    'a page with another key': [
      (store) =>
        reseal(
          store,
          page(({ key }) => ({ key: key.replace(/^../, (hex) => (hex === '00' ? '11' : '00')) })),
        ),
      'does not open',
    ],
    'a page that claims more segments': [
      (store) =>
        reseal(store, (manifest) => ({
          ...page(({ rows }) => ({ rows: rows + 1 }))(manifest),
          streams: manifest.streams.map((stream, i) =>
            i === 0 ? { ...stream, segments: stream.segments + 1 } : stream,
          ),
        })),
      'is malformed',
    ],
    'a page outside of its chain': [
      (store) =>
        reseal(
          store,
          page(() => ({ pack: '../../../../etc/passwd' })),
        ),
      'manifest.pgp is malformed',
    ],
    'a page that claims too much': [
      (store) =>
        reseal(
          store,
          page(() => ({ plain: 5_000_000 })),
        ),
      'manifest.pgp is malformed',
    ],
    'streams without segments': [
      (store) => reseal(store, (manifest) => ({ ...manifest, pages: [] })),
      'manifest.pgp is malformed',
    ],
    'a stream that should be longer': [
      (store) =>
        reseal(store, (manifest) => ({
          ...manifest,
          streams: manifest.streams.map((stream) => ({ ...stream, bytes: stream.bytes + 1 })),
        })),
      'the result is INCOMPLETE',
    ],
  };

  test.for(Object.entries(HARMS))('%s', async ([, [harm, says]]) => {
    const store = await copyOfStore();
    await harm(store);
    const found = await recover([SET], { store });
    expect(found.stderr).toMatch(says);
    expect(found.code).toBe(4);
    expect(found.sql.length).toBeLessThan(
      sqlOf(DAYS[1] ?? {}).length + (says === 'the result is INCOMPLETE' ? 1 : 0),
    );
  });

  test('a snapshot in a place that is not its own is left out', async () => {
    const store = await copyOfStore();
    const moved = `${newest().slice(0, -5)}ffff`;
    await rename(join(store, newest()), join(store, moved));
    const found = await recover([`${SET}@${basename(moved)}`], { store });
    expect(found).toMatchObject({ code: 1, sql: '' });
    expect(found.stderr).toContain(
      `warning: ${moved}/entry.json is no entry of format 1, or not in its place`,
    );
  });

  test.for([
    ['amend-1.json', () => `${newest()}/amend-1.json`, 'was amended', []],
    ['a ledger', () => `ledger/${SET}/${WRITER}/0000000001.json`, 'the ledger says', ['--ignore-ledger']],
  ] as const)('%s stops it', async ([, file, says, override]) => {
    const store = await copyOfStore();
    await mkdir(join(store, file(), '..'), { recursive: true });
    await writeFile(join(store, file()), '{}\n');
    const found = await recover([SET], { store });
    expect(found).toMatchObject({ code: 1, sql: '' });
    expect(found.stderr).toContain(says);
    if (override.length > 0) expect(await recover([...override, SET], { store })).toMatchObject({ code: 0 });
  });

  test.for([
    ['nobody vouches for', true, 'no key of yours vouches for it'],
    ['is not in the store', false, 'which is not here to check it'],
  ] as const)(
    'an entry by a key that %s is a warning, or an error when asked',
    async ([, published, says]) => {
      const store = await copyOfStore();
      const stranger = await generateHostKey('TRUST_FULLY 0 pgp');
      const item = (await entriesOf(world)).at(-1);
      if (!item) throw new Error('no snapshot');
      await writeEntry(store, item.entry, stranger);
      if (published)
        await writeFile(
          join(store, 'writers', `${stranger.getFingerprint()}.asc`),
          stranger.toPublic().armor(),
        );

      const found = await recover([SET], { store });
      expect(found).toMatchObject({ code: 0, sql: sqlOf(DAYS[1] ?? {}) });
      expect(found.stderr).toMatch(new RegExp(`warning: .*entry.json is signed .*${says}`));
      expect(found.stderr).toMatch(/manifest.pgp: good signature by [0-9A-F]{40} \(host\)/);
      expect(await recover(['--verify-signatures', SET], { store })).toMatchObject({ code: 4, sql: '' });
      if (published) {
        const both = await keyring([world.ops.armor(), stranger.toPublic().armor()]);
        expect(await recover(['--verify-signatures', SET], { store, gnupg: both })).toMatchObject({
          code: 0,
        });
      }
    },
  );

  test('a full disk is a failure', async () => {
    const full = await open('/dev/full', 'w');
    onTestFinished(() => full.close());
    const found = await recover([SET], { store: world.root, stdout: full.fd });
    expect(found).toMatchObject({ code: 1 });
    expect(found.stderr).toContain('error: cannot write the result');
  });
});
