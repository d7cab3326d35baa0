/** Goal: somebody's files, known by their paths, go from every snapshot of a folder, and do not come back. */
import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyTree, removePaths } from '../integration/files-erased-kit.ts';
import { describeTree, makeAwkward, run, settleTimes } from '../integration/files-kit.ts';
import { withDatabase } from '../services/shop.ts';
import { expectComplaint } from '../services/complaint.ts';
import { backUp, folderPlace, keysIn, makeHost, tamper } from '../services/machines.ts';
import { giveMap } from '../services/subject-map.ts';
import { tempFolder } from '../services/temp.ts';

const MAP = `version: 1
subject: user
root: { table: subjects, key: id, lookup: { avatar: exact } }
tables:
  subjects: { erase: delete }
  files: { paths: ['users/{id}/**', '/mail/*/{id}.eml', 'avatars/{avatar}.png', '**/by-user/{id}'], erase: delete }
`;

const THEIRS = ['users/7', 'mail/in/7.eml', 'mail/out/7.eml', 'avatars/seven-face.png', 'deep/a/b/by-user/7'];
const THEIRS_BY_KEY = THEIRS.filter((path) => !path.startsWith('avatars'));
const SUBJECTS = ['--subject', 'user=7', '--subject', 'avatar=seven-face'];

/** Files of several people, some small, some of many segments, some with further names. */
async function uploads(): Promise<string> {
  const root = join(await tempFolder('uploads'), 'uploads');
  await makeAwkward(root);
  const put = async (path: string, bytes: number, seed: number) => {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), noise(bytes, seed));
  };
  for (let user = 1; user <= 40; user++) {
    for (let file = 0; file < 8; file++)
      await put(`users/${user}/${file}.jpg`, 3000 * file, user * 100 + file);
    for (const box of ['in', 'out']) await put(`mail/${box}/${user}.eml`, 700, user);
    await put(`deep/a/b/by-user/${user}/note`, 100, user);
  }
  await put('users/7/film.mp4', 5_000_000, 1);
  await put('users/7/shared.mp4', 2_500_000, 2);
  await put('users/71/film.mp4', 900_000, 3);
  await put('avatars/seven-face.png', 20_000, 4);
  await put('avatars/seven.png', 20_000, 5);
  // The first name of it, in the order of the archive, is theirs.
  await link(join(root, 'users/7/shared.mp4'), join(root, 'users/8/copy.mp4'));
  await link(join(root, 'users/7/shared.mp4'), join(root, 'zz-copy.mp4'));
  await link(join(root, 'users/7/3.jpg'), join(root, 'users/7/again.jpg'));
  await symlink('../7/film.mp4', join(root, 'users/8/link'));
  await settleTimes(root);
  return root;
}

/** Bytes in which the cutter finds line ends. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed * 2654435761;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

async function machines(root: string, map = MAP) {
  const host = await makeHost({ place: await folderPlace(), source: ['--source', 'files', '--path', root] });
  const reader = await host.reader();
  for (const machine of [host, reader]) await giveMap(machine, map);
  return { host, reader };
}

/** The folder without what is theirs. */
async function without(root: string, paths = THEIRS): Promise<string[]> {
  const copy = join(await tempFolder('expected'), 'tree');
  await copyTree(root, copy);
  await removePaths(copy, paths);
  return describeTree(copy);
}

describe('files by their paths', () => {
  test('what is restored is what was, without theirs', { timeout: 240_000 }, async () => {
    const root = await uploads();
    const { host, reader } = await machines(root);
    expect((await host.good(['subjects', 'check', 'shop'])).stdout).toContain('0 problems, 0 warnings');
    const first = await backUp(host);
    const expectedFirst = await without(root);
    await writeFile(join(root, 'users/7/late.txt'), 'late');
    await writeFile(join(root, 'users/9/late.txt'), 'late');
    await settleTimes(root);
    await backUp(host);
    const expected = await without(root);

    const found = await reader.good(['subjects', 'find', 'shop', '--subject', 'user=7', '--json']);
    expect(JSON.stringify(found.json)).toContain('"files"');
    const planned = await reader.good(['purge', 'plan', 'shop', ...SUBJECTS, '--scan', '-o', 'plan.pgp']);
    // users/7, 8 pictures, a further name, 2 films, a late one; 2 mails, an avatar, a folder and what is in it
    expect(planned.stdout).toContain('files 18 deleted');
    const applied = await reader.good([
      'purge',
      'apply',
      'plan.pgp',
      '--yes',
      '-o',
      'receipt.json',
      '--json',
    ]);
    expect(applied.json.at(-1)).toMatchObject({ type: 'summary', complete: true });

    const into = await tempFolder('restored');
    await reader.good(['restore', 'shop', '--to', join(into, 'latest')]);
    expect(await describeTree(join(into, 'latest'))).toEqual(expected);
    await reader.good(['restore', `shop@${first.snapshot}`, '--to', join(into, 'first')]);
    expect(await describeTree(join(into, 'first'))).toEqual(expectedFirst);
    await reader.good(['restore', 'shop', '--to', join(into, 'part'), '--path', 'users/8']);
    await reader.good(['restore', 'shop', '--to', join(into, 'shop.tar')]);
    const { stdout: names } = await run('tar', ['-tf', join(into, 'shop.tar')]);
    expect(names).toContain('./users/71/film.mp4\n');
    expect(names).not.toContain('./users/7/');
    const { json } = await reader.good(['verify', '--read-data', '--json']);
    expect(json.at(-1)).toMatchObject({ problems: 0 });
    await reader.good(['purge', 'verify', 'receipt.json', '--full']);
    // The receipt counts files, and names none.
    const receipt = await readFile(join(reader.folder, 'receipt.json'), 'utf8');
    expect(receipt).not.toContain('film.mp4');

    // They are in the folder still: the next backup says so, and a restore leaves them out.
    const again = await host.good(['backup']);
    expect(again.stderr).toContain('1 subject whom purge');
    await reader.good(['restore', 'shop', '--to', join(into, 'again')]);
    // Who was named by an avatar and no key is somebody else, or back by their own will, where a host knew of the purge.
    expect(await describeTree(join(into, 'again'))).toEqual(await without(root, THEIRS_BY_KEY));
    const some = ['--path', 'users/8', '--path', 'zz-copy.mp4'];
    await reader.good(['restore', 'shop', '--to', join(into, 'some'), ...some]);
    expect(await readFile(join(into, 'some/users/8/copy.mp4'))).toEqual(noise(2_500_000, 2));
    const { stdout } = await reader.good(['cat', 'shop', '--path', 'zz-copy.mp4'], { encoding: 'latin1' });
    expect(Buffer.from(stdout, 'latin1').equals(noise(2_500_000, 2))).toBe(true);

    // No snapshot has them under `refuse`; and nothing can be left out of an archive on its way.
    const policy = async (onPurged: string) => {
      const file = join(host.folder, 'holdfast.yaml');
      const config = (await readFile(file, 'utf8')).replace(/^ +on_purged: .*\n/m, '');
      await writeFile(file, config.replace(/^( +)(subjects: map.yaml)$/m, `$1$2\n$1on_purged: ${onPurged}`));
      return host.run(['backup']);
    };
    expectComplaint(await policy('refuse'), { exit: 7, error: /whom purge/, hint: /./ });
    expectComplaint(await policy('filter'), { exit: 2, error: /'filter' is not for files/, hint: /./ });
    await policy('warn');
    await removePaths(root, THEIRS);
    const clean = await host.good(['backup']);
    expect(clean.stderr).not.toContain('whom purge');
  });
});

const OWNERS_MAP = `version: 1
subject: customer
root: { table: users, key: user_id, lookup: { email: lower } }
tables:
  users: { erase: delete }
  attachments: { link: { owner: users.user_id }, erase: delete }
`;

const LISTED_MAP = `version: 1
subject: user
root: { table: subjects, key: id, lookup: { email: lower } }
tables:
  subjects: { erase: delete }
  files: { listed: { set: shop, table: attachments, column: file, strip: /media/, prefix: up/ }, erase: delete }
`;

/** A database that lists files of two people, and the files. */
async function listedFiles() {
  const folder = await tempFolder('site');
  const [root, database] = [join(folder, 'files'), join(folder, 'shop.db')];
  await mkdir(join(root, 'up/2026'), { recursive: true });
  const list = (owner: number, file: string) =>
    withDatabase(database, (db) => db.exec(`INSERT INTO attachments VALUES (${owner}, '${file}')`));
  const put = async (owner: number, name: string) => {
    await writeFile(join(root, 'up', name), `of ${owner}: ${name}`);
    list(owner, `/media/${name}`);
  };
  withDatabase(database, (db) =>
    db.exec(`CREATE TABLE users (user_id INTEGER PRIMARY KEY, email TEXT);
      CREATE TABLE attachments (owner INT REFERENCES users (user_id), file TEXT);
      INSERT INTO users VALUES (7, 'seven@example.org'), (8, 'eight@example.org');`),
  );
  await put(7, '2026/a.png');
  list(7, '/media/../../etc/passwd');
  await put(8, '2026/b.png');
  await writeFile(join(root, 'up/2026/nobody.png'), 'of nobody');
  // A further name that holds the first one.
  await mkdir(join(root, 'zz/up/2026'), { recursive: true });
  await link(join(root, 'up/2026/a.png'), join(root, 'zz/up/2026/a.png'));
  const place = await folderPlace();
  const host = await makeHost({ place, source: ['--source', 'sqlite', '--path', database] });
  const reader = await host.reader();
  for (const machine of [host, reader]) {
    await giveMap(machine, OWNERS_MAP);
    await writeFile(join(machine.folder, 'files.yaml'), LISTED_MAP);
    const file = join(machine.folder, 'holdfast.yaml');
    const uploads = `  uploads: { source: files, path: ${root}, keep: 30d, subjects: files.yaml }`;
    await writeFile(file, (await readFile(file, 'utf8')).replace('sets:\n', `sets:\n${uploads}\n`));
  }
  return { root, put, host, reader, database, place };
}

describe('files that a database lists', () => {
  test('what cannot be read of the database may list more', { timeout: 120_000 }, async () => {
    const { host, reader, put, place } = await listedFiles();
    await host.good(['backup']);
    await put(7, '2026/c.png');
    await host.good(['backup']);
    const [entry = ''] = (await keysIn(place)).filter((key) => /\/shop\/.*\/entry\.json$/.test(key));
    await tamper(place, (store) => store.put(entry, Buffer.from('spoilt')));
    const plan = ['purge', 'plan', 'uploads', '--subject', 'user=7', '-o', 'files.pgp'];
    const refused = await reader.run(plan);
    expectComplaint(refused, { exit: 5, error: /set shop may list more/, hint: /--paths-from/ });
    await writeFile(join(reader.folder, 'names'), 'up/2026/a.png\n');
    const named = await reader.good([...plan, '--paths-from', 'names']);
    expect(named.stderr).toContain('set shop may list more files of theirs');
  });

  test('a column that the database computes lists nothing', { timeout: 120_000 }, async () => {
    const { host, reader, database } = await listedFiles();
    withDatabase(database, (db) =>
      db.exec("ALTER TABLE attachments ADD COLUMN place TEXT GENERATED ALWAYS AS ('up' || file) VIRTUAL"),
    );
    await host.good(['backup']);
    await writeFile(join(reader.folder, 'files.yaml'), LISTED_MAP.replace('column: file', 'column: place'));
    const plan = await reader.run(['purge', 'plan', 'uploads', '--subject', 'user=7', '-o', 'files.pgp']);
    expectComplaint(plan, { exit: 2, error: /computed by the database/, hint: /stored/ });
  });

  test('a list that is not there is found by subjects check', async () => {
    const { host } = await listedFiles();
    const check = async (text: string) => {
      await writeFile(join(host.folder, 'files.yaml'), text);
      return host.run(['subjects', 'check', 'uploads']);
    };
    for (const [from, to, said] of [
      ['set: shop', 'set: shoe', 'there is no set shoe'],
      ['set: shop', 'set: uploads', 'is of files'],
      ['table: attachments', 'table: users_old', 'does not say whose the rows of users_old are'],
      ['erase: delete }\n', 'erase: { set: { user: null } } }\n', 'nothing is set'],
    ] as const) {
      const { exitCode, stdout, stderr } = await check(
        LISTED_MAP.slice(0, 90) + LISTED_MAP.slice(90).replace(from, to),
      );
      expect(exitCode).toBe(2);
      expect(stdout + stderr).toContain(said);
    }
  });

  test('go with their paths, found in every snapshot of the database', { timeout: 180_000 }, async () => {
    const { root, put, host, reader, database } = await listedFiles();
    await host.good(['backup']);
    // A row that went since is in an older snapshot, and so is its file.
    withDatabase(database, (db) => db.exec("DELETE FROM attachments WHERE file = '/media/2026/a.png'"));
    await put(7, '2026/c.png');
    await host.good(['backup']);
    expect((await host.good(['subjects', 'check'])).stdout).toContain('0 problems');

    const find = ['subjects', 'find', 'uploads', '--subject', 'email=Seven@example.org', '--json'];
    const found = (await reader.good(find)).json.filter(({ type }) => type === 'found');
    expect(found.map((one) => one['delete'])).toEqual([1, 2]);
    const plan = ['purge', 'plan', 'uploads', '--subject', 'email=seven@example.org', '-o', 'files.pgp'];
    const planned = await reader.good(plan);
    expect(planned.stderr).toContain('1 name in shop are of no file of this set');
    expect(planned.stdout).toContain('2 paths named, all found');
    // The names are sealed in the plan: the database may lose them now.
    const shop = await reader.good(['purge', 'plan', 'shop', '--subject', 'customer=7', '-o', 'shop.pgp']);
    expect(shop.stderr).toContain('set uploads finds files by rows of shop');
    await reader.good(['purge', 'apply', 'shop.pgp', '--yes', '-o', 'shop.json']);
    const late = await reader.run(['purge', 'plan', 'uploads', '--subject', 'user=7', '-o', 'late.pgp']);
    expectComplaint(late, { exit: 7, error: /has erased them from set shop/, hint: /--paths-from/ });
    // However the address is written, as with people who are still there.
    const byAddress = ['--subject', 'email=Seven@Example.ORG', '-o', 'late.pgp'];
    const written = await reader.run(['purge', 'plan', 'uploads', ...byAddress]);
    expectComplaint(written, { exit: 7, error: /has erased them from set shop/, hint: /--paths-from/ });
    await writeFile(join(reader.folder, 'names'), 'up/2026/a.png\n./up/2026/c.png\nup/gone.png\n');
    const named = await reader.good([...plan.slice(0, -1), 'named.pgp', '--paths-from', 'names']);
    expect(named.stdout).toContain('3 paths named, 1 of them in no snapshot');
    expect(named.stderr).toMatch(/in no snapshot: line 3 of/);
    expect(named.stderr).not.toContain('gone.png');
    await reader.good([
      'purge',
      'apply',
      'files.pgp',
      '--yes',
      '--rewrite-packs',
      '--no-backup-running',
      '-o',
      'files.json',
    ]);

    for (const when of ['oldest', 'latest']) {
      const to = join(await tempFolder('restored'), when);
      await reader.good(['restore', `uploads@${when}`, '--to', to]);
      expect(await readFile(join(to, 'zz/up/2026/a.png'), 'utf8')).toBe('of 7: 2026/a.png');
      await removePaths(root, ['up/2026/a.png', 'up/2026/c.png']);
      expect((await describeTree(to)).map((line) => line.split('\t')[0])).toEqual(
        (await describeTree(root)).map((line) => line.split('\t')[0]),
      );
    }
    // The same name again is another file.
    await put(8, '2026/a.png');
    await host.good(['backup']);
    const to = join(await tempFolder('restored'), 'again');
    await reader.good(['restore', 'uploads', '--to', to]);
    expect(await readFile(join(to, 'up/2026/a.png'), 'utf8')).toBe('of 8: 2026/a.png');
  });

  test('may have gone with the whole of a database', { timeout: 120_000 }, async () => {
    const { host, reader } = await listedFiles();
    await host.good(['backup']);
    const whole = await reader.good(['purge', 'plan', 'shop', '--whole-set', '-o', 'whole.pgp']);
    expect(whole.stderr).toContain('set uploads finds files by rows of shop');
    await reader.good(['purge', 'apply', 'whole.pgp', '--yes', '-o', 'whole.json']);
    const plan = ['purge', 'plan', 'uploads', '--subject', 'user=8', '-o', 'late.pgp'];
    expectComplaint(await reader.run(plan), { exit: 7, error: /may have had/, hint: /--paths-from/ });
    await writeFile(join(reader.folder, 'names'), 'up/2026/b.png\n');
    const named = await reader.good([...plan, '--paths-from', 'names']);
    expect(named.stdout).toContain('files 1 deleted');
    expect(named.stderr).toContain('has no row of users');
  });
});

test('what the map keeps of a folder that goes stays where it is', { timeout: 120_000 }, async () => {
  const root = join(await tempFolder('kept'), 'tree');
  for (const path of ['users/7/invoices/1.pdf', 'users/7/face.png', 'users/7/old/a', 'users/8/face.png']) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), path);
  }
  const invoices = "{ paths: ['users/{id}/invoices'], keep: { because: tax law } }";
  const others = "{ paths: ['users/{id}'], erase: delete }";
  const { host, reader } = await machines(
    root,
    MAP.replace(/^ {2}files: .*$/m, `  files: { erase: delete, links: [${invoices}, ${others}] }`),
  );
  await backUp(host);
  const first = await reader.good(['purge', 'plan', 'shop', '--subject', 'user=7', '-o', 'plan.pgp']);
  // A picture, and a folder with what is in it.
  expect(first.stdout).toContain('files 3 deleted, 2 kept');
  const applied = await reader.good(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json', '--json']);
  expect(applied.json.at(-1)).toMatchObject({ type: 'summary', complete: true });
  const to = join(await tempFolder('restored'), 'tree');
  await reader.good(['restore', 'shop', '--to', to]);
  expect((await readdir(to, { recursive: true })).sort()).toEqual([
    ...['users', 'users/7', 'users/7/invoices', 'users/7/invoices/1.pdf', 'users/8', 'users/8/face.png'],
  ]);
  // Once more, and there is nothing left to be done.
  const again = await reader.good(['purge', 'plan', 'shop', '--subject', 'user=7', '-o', 'again.pgp']);
  expect(again.stdout).toContain('0 snapshots of 1 to write anew');
  await reader.good(['purge', 'verify', 'receipt.json']);
});

test('a scan sees what another name keeps of a file that goes', { timeout: 120_000 }, async () => {
  const root = join(await tempFolder('uploads'), 'uploads');
  await mkdir(join(root, 'users/7'), { recursive: true });
  await writeFile(join(root, 'users/7/note'), 'this is seven-face');
  const { host, reader } = await machines(root);
  const scan = async (file: string) => {
    await host.good(['backup']);
    return (await reader.good(['purge', 'plan', 'shop', ...SUBJECTS, '--scan', '-o', file])).stdout
      .split('\n')
      .filter((line) => line.startsWith('mention'));
  };
  expect(await scan('first.pgp')).toEqual([]);
  await link(join(root, 'users/7/note'), join(root, 'zz-note'));
  expect(await scan('second.pgp')).toEqual([expect.stringContaining('archive')]);
});
