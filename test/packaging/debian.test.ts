/** Goal: a host without Node installs one package, and does all of it as a user without privileges. */
import { chownSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { buildDeb } from '../../src/packaging/deb.ts';
import { buildSingle } from '../../src/packaging/single.ts';
import { comparison, digestsOf } from '../demo/compare.ts';
import { aDayOfBusiness, openShop } from '../demo/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { copyLibraries, makeCleanRoot } from './clean-root.ts';
import type { CleanRoot, Unprivileged } from './clean-root.ts';

/** What the test and the package's own scripts need; nothing else is there. */
const PROGRAMS = ['sh', 'cat', 'install', 'systemd-sysusers'];

let root: CleanRoot;
let user: Unprivileged;

beforeAll(async () => {
  const built = await tempFolder('built');
  const single = join(built, 'holdfast');
  await buildSingle(single);
  const deb = join(built, 'holdfast.deb');
  buildDeb(single, deb, new Date('2026-11-22T00:00:00Z'));
  root = await makeCleanRoot(PROGRAMS);
  // What the package depends on: the libraries of C and C++.
  copyLibraries(single, root.path);
  await install(deb);
  user = userIn(root.path, 'holdfast');
});

test('there is no Node, and the executable knows its verbs', async () => {
  expect(await root.run('command -v node || echo none')).toBe('none');
  expect(await root.run('holdfast --version')).toMatch(/^\d+\.\d+\.\d+$/);
  expect(await root.run('holdfast --help')).toContain('Exit status:');
});

test('the user has no password and no shell, and its folders are closed to others', () => {
  const passwd = readFileSync(join(root.path, 'etc/passwd'), 'utf8');
  expect(passwd).toMatch(/^holdfast:x:\d+:\d+:encrypted backups:\/var\/lib\/holdfast:.*nologin$/m);
  const modes = (path: string) => {
    const { mode, uid } = statSync(join(root.path, path));
    return [(mode & 0o777).toString(8), uid];
  };
  expect(modes('etc/holdfast')).toEqual(['750', user.uid]);
  expect(modes('var/lib/holdfast')).toEqual(['700', user.uid]);
  expect(modes('usr/bin/holdfast')).toEqual(['755', 0]);
});

test('that user sets up, backs up for two days, verifies, restores; rows are what they were', async () => {
  const shop = join(root.path, 'var/lib/holdfast/shop.db');
  const give = () => {
    for (const name of readdirSync(join(root.path, 'var/lib/holdfast')))
      if (name.startsWith('shop.db'))
        chownSync(join(root.path, 'var/lib/holdfast', name), user.uid, user.gid);
  };
  openShop(shop);
  give();
  const here = { cwd: '/etc/holdfast', user };
  const key = '--key /var/lib/holdfast/ops.key';
  await root.run(
    'holdfast init --yes --store file:///var/lib/holdfast/store --set shop --source sqlite --path /var/lib/holdfast/shop.db --private-key-out /var/lib/holdfast/ops.key',
    here,
  );
  await root.run('holdfast doctor', here);
  await root.run('holdfast backup', here);
  aDayOfBusiness(shop, 2);
  give();
  const evening = digestsOf(shop);
  expect(await root.run('holdfast backup', here)).toContain('incremental');
  expect((await root.run('holdfast snapshots shop --json', here)).split('\n')).toHaveLength(3);
  expect(await root.run(`holdfast verify --read-data ${key}`, here)).toContain('2 of 2 snapshots sound');
  await root.run(`holdfast restore shop --to /var/lib/holdfast/copy.db ${key}`, here);
  const copy = digestsOf(join(root.path, 'var/lib/holdfast/copy.db'));
  expect(comparison(['shop', evening], ['copy', copy]).different).toEqual([]);
  const stored = await root.run('cat /var/lib/holdfast/store/recover.sh', here);
  expect(stored).toBe(
    readFileSync(join(import.meta.dirname, '../../src/recovery/recover.sh'), 'utf8').trimEnd(),
  );
});

test('manual pages have no fault that mandoc knows, one for each verb', async () => {
  const folder = join(root.path, 'usr/share/man/man1');
  const pages = readdirSync(folder);
  expect(pages).toEqual(
    expect.arrayContaining(['holdfast.1.gz', 'holdfast-backup.1.gz', 'holdfast-purge-plan.1.gz']),
  );
  const plain = await tempFolder('pages');
  for (const page of pages)
    writeFileSync(join(plain, page.replace('.gz', '')), gunzipSync(readFileSync(join(folder, page))));
  const lint = await execa('mandoc', ['-Tlint', '-Wwarning', ...readdirSync(plain)], {
    cwd: plain,
    reject: false,
  });
  expect(lint).toMatchObject({ exitCode: 0, stdout: '' });
});

test('units for systemd run it as that user, and none is enabled', () => {
  const folder = join(root.path, 'usr/lib/systemd/system');
  const [service, timer] = ['holdfast-backup.service', 'holdfast-backup.timer'].map((name) =>
    readFileSync(join(folder, name), 'utf8'),
  );
  expect(service).toContain('ExecStart=/usr/bin/holdfast --config /etc/holdfast/holdfast.yaml backup\n');
  expect(service).toContain('User=holdfast\n');
  expect(timer).toContain('OnCalendar=');
  expect(existsSync(join(root.path, 'etc/systemd/system/timers.target.wants'))).toBe(false);
});

test('the package is removed again, and keys and configuration stay', async () => {
  await dpkg('--purge', 'holdfast');
  expect(readdirSync(join(root.path, 'usr/bin'))).not.toContain('holdfast');
  expect(readdirSync(join(root.path, 'etc/holdfast')).sort()).toEqual(['holdfast.yaml', 'keys', 'state']);
});

/** dpkg(1) itself runs outside; the scripts of the package run within. The root has no database of packages yet. */
async function install(deb: string): Promise<void> {
  for (const folder of ['info', 'updates', 'triggers', 'parts'])
    await mkdir(join(root.path, 'var/lib/dpkg', folder), { recursive: true });
  for (const file of ['status', 'available']) await writeFile(join(root.path, 'var/lib/dpkg', file), '');
  await dpkg('--install', deb);
}

async function dpkg(...args: readonly string[]): Promise<void> {
  await execa('dpkg', [`--root=${root.path}`, '--force-depends', ...args]);
}

function userIn(path: string, name: string): Unprivileged {
  const lines = readFileSync(join(path, 'etc/passwd'), 'utf8').split('\n');
  const [, , uid, gid, , home = '/'] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${name}`);
  return { uid: Number(uid), gid: Number(gid), home };
}
