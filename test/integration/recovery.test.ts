/**
 * Recovery without us: `recover.sh`, as it lies in the store, with stock gpg and zstd and no Node, gives the SQL that
 * `cat` gives, and the same database.
 */
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { generateRecipientKey } from '../../src/openpgp/keys.ts';
import { openpgp } from '../../src/openpgp/library.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { locate, locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';
import { SET, WRITER, makeWorld } from '../services/world.ts';
import { FIRST_SQL, LAST_DAY, LAST_SQL, cat, endAgents, keyring, makeRecoveryWorld } from './recovery-kit.ts';
import { recover, toolFolder } from './recovery-kit.ts';
import type { Place, RecoveryWorld } from './recovery-kit.ts';
import { contentsOf, makeAwkward } from './sqlite-kit.ts';

const SHELLS = [['sh'], ['bash', '--posix'], ['dash'], ['busybox', 'sh']].filter(
  ([shell = '']) => locate(shell) !== undefined,
);

let shared: RecoveryWorld;
let place: Place;

beforeAll(async () => {
  shared = await makeRecoveryWorld();
  place = shared.place;
});
afterAll(endAgents);

/** The keys after restrict are random. */
function withoutKey(sql: Buffer): string {
  return sql.toString().replaceAll(/^(\\(?:un)?restrict) [0-9a-f]{48}$/gm, '$1 KEY');
}

test('there is no Node where the script runs', async () => {
  const options = { env: { PATH: place.tools }, extendEnv: false, reject: false };
  const found = await execa('/bin/sh', ['-c', 'command -v node nodejs npm'], options);
  expect(found).toMatchObject({ stdout: '', exitCode: 127 });
});

describe.for(SHELLS)('with %j', (shell) => {
  test('an SQLite database comes back, byte for byte what cat gives', async () => {
    const folder = await tempFolder('sqlite');
    const [original, copy] = [join(folder, 'original.db'), join(folder, 'copy.db')];
    makeAwkward(original);
    const shop = await makeWorld();
    await shop.backup({}, { source: sqliteSource({ path: original, scratch: join(folder, 'scratch') }) });
    const gnupg = await keyring([shop.ops.armor()]);

    const found = await recover(['--verify-signatures', SET], { ...place, store: shop.root, shell, gnupg });

    expect(found.stderr).toContain('recover.sh: complete: ');
    expect(found.code).toBe(0);
    expect(found.stdout.equals(await cat(shop))).toBe(true);
    const load = ['-bail', '-cmd', '.dbconfig defensive off', copy];
    expect((await execa('sqlite3', load, { input: found.stdout })).stderr).toBe('');
    expect(contentsOf(copy)).toEqual(contentsOf(original));
  });

  test('the sets and snapshots are listed', async () => {
    const list = await recover([], { ...place, shell });
    expect(list).toMatchObject({ code: 0, stderr: '' });
    const [head, ...rows] = list.sql.trim().split('\n');
    expect(head).toMatch(/^SET +SNAPSHOT +TAKEN \(UTC\) +MB OF SQL +SOURCE +STATE$/);
    expect(rows.map((row) => row.split(/ +/).slice(0, 2))).toEqual(shared.snapshots.map((id) => [SET, id]));
    expect(rows[0]).toMatch(/ \d{4}-\d\d-\d\d \d\d:\d\d +\d+\.\d +sqlite +until \d{4}-\d\d-\d\d$/);
  });
});

test('a PostgreSQL database comes back, byte for byte what cat gives', async () => {
  const postgres = await usePostgres();
  const original = await postgres.createDatabase('recovery');
  const copy = await postgres.createDatabase('recovered');
  onTestFinished(async () => {
    for (const url of [original, copy]) await postgres.dropDatabase(url);
  });
  await postgres.psql(original, await readFile(join(import.meta.dirname, '../services/awkward.sql'), 'utf8'));
  const shop = await makeWorld();
  await shop.backup({}, { source: postgresSource({ url: original }) });
  const here = { ...place, store: shop.root, gnupg: await keyring([shop.ops.armor()]) };

  const found = await recover([SET], here);

  expect(found.code).toBe(0);
  expect(found.sql).toMatch(/^\\restrict ([0-9a-f]{48})\n[^]*\n\\unrestrict \1\n$/);
  expect(withoutKey(found.stdout)).toBe(withoutKey(await cat(shop)));
  const file = join(await tempFolder('sql'), 'dump.sql');
  await writeFile(file, found.stdout);
  const psql = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', copy, '-f', file];
  await execa(locateOrThrow('psql'), psql, { stdout: 'ignore' });
  expect(await pgDump(copy)).toBe(await pgDump(original));

  const globals = await recover(['--globals', '--no-restrict', SET], here);
  expect(globals.code).toBe(0);
  expect(globals.sql).toContain('CREATE ROLE ');
  const both = `\\restrict KEY\n${globals.sql}${withoutKey(found.stdout).replace(/^.*\n/, '')}`;
  expect(withoutKey(await cat(shop, { globals: true }))).toBe(both);
});

async function pgDump(url: string): Promise<string> {
  const { stdout } = await execa(locateOrThrow('pg_dump'), [`--dbname=${url}`], { maxBuffer: 1 << 28 });
  return stdout.replaceAll(/^\\(?:un)?restrict .*\n?/gm, '');
}

describe('what is asked for', () => {
  test('a snapshot by id, by its beginning, by day, or as the latest', async () => {
    const [first, last] = shared.snapshots;
    const day = last.replace(/^(....)(..)(..)T.*/, '$1-$2-$3');
    expect(await recover([`${SET}@${first}`], place)).toMatchObject({ code: 0, sql: FIRST_SQL });
    for (const when of [last, last.slice(0, -1), day, 'latest']) {
      expect(await recover([`${SET}@${when}`], place)).toMatchObject({ code: 0, sql: LAST_SQL });
    }
  });

  test('another copy of the store than the one where the script is', async () => {
    const elsewhere = { ...place, store: await tempFolder('elsewhere') };
    await writeFile(join(elsewhere.store, 'recover.sh'), await readFile(join(place.store, 'recover.sh')));
    expect(await recover([SET], elsewhere)).toMatchObject({ code: 10, sql: '' });
    expect(await recover(['--store', place.store, SET], elsewhere)).toMatchObject({ code: 0, sql: LAST_SQL });
  });

  test.for([
    ['users', 'users'],
    ['orders', 'orders'],
    ['empty', 'empty'],
    ['"Odd ""Name"""', '"Odd ""Name"""'],
    ['Odd Name', '"Odd ""Name"""'],
  ] as const)('the table %s', async ([name, table]) => {
    const sql = (LAST_DAY[table] ?? []).map((row) => `${row}\n`).join('');
    expect(await recover(['--table', name, SET], place)).toMatchObject({ code: 0, sql });
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
    const found = await recover(args, place);
    expect(found.code).toBe(code);
    expect(found.stderr).toContain(text);
    expect(found.sql.startsWith('Gets a database back')).toBe(code === 0);
  });

  test('a snapshot past its end only when that is said', async () => {
    const later = { ...place, tools: await toolFolder({ date: 'echo 2199-01-01T00:00:00' }) };
    expect((await recover([], later)).sql).toMatch(/expired \d{4}-\d\d-\d\d\n$/);
    const refused = await recover([SET], later);
    expect(refused).toMatchObject({ code: 1, sql: '' });
    expect(refused.stderr).toContain('what there is of shop is past its end');
    expect(await recover(['--expired', SET], later)).toMatchObject({ code: 0, sql: LAST_SQL });
  });
});

describe('keys', () => {
  test('a key with a passphrase that is right, wrong, or missing', async () => {
    const phrase = join(await tempFolder('phrase'), 'phrase');
    const locked = await openpgp.encryptKey({ privateKey: shared.world.ops, passphrase: 'correct horse' });
    const gnupg = await keyring([locked.armor()]);
    const withPhrase = { GPG_OPTIONS: `--batch --pinentry-mode loopback --passphrase-file ${phrase}` };
    await writeFile(phrase, 'wrong');
    for (const env of [withPhrase, { GPG_OPTIONS: '--batch --pinentry-mode error' }]) {
      const refused = await recover([SET], { ...place, gnupg, env });
      expect(refused).toMatchObject({ code: 12, sql: '' });
      expect(refused.stderr).toContain('error: gpg cannot open the manifest');
    }
    await writeFile(phrase, 'correct horse');
    const found = await recover([SET], { ...place, gnupg, env: withPhrase });
    expect(found).toMatchObject({ code: 0, sql: LAST_SQL });
  });

  test('nothing comes out without the private key of a recipient', async () => {
    const stranger = await generateRecipientKey('stranger');
    const found = await recover([SET], { ...place, gnupg: await keyring([stranger.armor()]) });
    expect(found).toMatchObject({ code: 12, sql: '' });
    expect(found.stderr).toContain('No secret key');
  });

  test('session keys are in no argument, and no folder with secrets is left, even after a kill', async () => {
    const folder = await tempFolder('watched');
    const [calls, made] = [join(folder, 'calls'), join(folder, 'made')];
    const tools = await toolFolder({
      gpg: `echo "$*" >>${calls}; exec ${locateOrThrow('gpg')} "$@"`,
      mktemp: `${locateOrThrow('mktemp')} "$@" | ${locateOrThrow('tee')} -a ${made}`,
      zstd: `${locateOrThrow('sleep')} 0.3; exec ${locateOrThrow('zstd')} "$@"`,
    });
    expect(await recover([SET], { ...place, tools })).toMatchObject({ code: 0 });
    const killed = await recover([SET], { ...place, tools, killWhen: /manifest\.pgp: good signature/ });
    expect(killed).toMatchObject({ code: 130 });
    const said = await readFile(calls, 'utf8');
    expect(said).toContain('--override-session-key-fd');
    expect(said).not.toMatch(/[0-9a-f]{64}/i);
    const folders = (await readFile(made, 'utf8')).trim().split('\n');
    expect(folders).toHaveLength(2);
    for (const path of folders) await expect(access(path)).rejects.toThrow('ENOENT');
  });
});

test('a full disk is a failure', async () => {
  const shell = ['sh', '-c', `exec ${locateOrThrow('sh')} "$@" >/dev/full`, 'sh'];
  const found = await recover([SET], { ...place, shell });
  expect(found.code).toBe(1);
  expect(found.stderr).toContain('error: cannot write the result');
});

describe('RECOVERY.md', () => {
  test('says how to check the script', async () => {
    const env = { GNUPGHOME: place.gnupg, LC_ALL: 'C' };
    const checked = await execa('gpg', ['--verify', 'recover.sh.asc', 'recover.sh'], {
      cwd: place.store,
      env,
    });
    expect(checked.stderr).toContain('Good signature from "ops"');
  });

  test('has commands for doing it by hand, which work as they are written', async () => {
    const text = await readFile(join(place.store, 'RECOVERY.md'), 'utf8');
    const blocks = text.slice(text.indexOf('## By hand')).matchAll(/```sh\n([^]*?)```/g);
    const [first = '', second = ''] = [...blocks].map(([, code]) => code);
    const lastThree = first.trim().split('\n').slice(-3).join('\n');
    const commands = `${first}${second}${lastThree}\n`
      .replaceAll('20261121T030005Z-9f3a01c4', shared.snapshots[1])
      .replaceAll('shop/', `${SET}/`)
      .replaceAll('db1-1', `${WRITER}-1`)
      // The store stays as it is: what the commands write goes elsewhere.
      .replaceAll(/\b(manifest|sealed|opened)\b(?!\.pgp)/g, '$OUT/$1');
    const out = await tempFolder('by-hand');
    const env = { PATH: place.tools, GNUPGHOME: place.gnupg, OUT: out };
    await execa('/bin/sh', ['-c', commands], { cwd: place.store, env, extendEnv: false, reject: false });
    expect(await readFile(join(out, 'opened'), 'utf8')).toBe('-- begin\n');
  });
});
