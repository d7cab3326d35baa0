/** Files come back as they were, whole or by path; what would do harm is refused, and leaves nothing behind. */
import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { filesLoader, readStoredFile } from '../../src/sources/files/loader.ts';
import { locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';
import {
  describeTree,
  dumpFolder,
  forge,
  holdDump,
  LOAD,
  makeAwkward,
  makeOutside,
  NEVER,
} from './files-kit.ts';
import type { Forged, HeldDump } from './files-kit.ts';

async function awkward(): Promise<{ root: string; dump: HeldDump }> {
  const root = join(await tempFolder('awkward'), 'root');
  await makeAwkward(root);
  return { root, dump: await dumpFolder(root) };
}

const newTarget = async (): Promise<string> => join(await tempFolder('target'), 'restored');

describe('a restore', () => {
  test('brings everything back, holes too', async () => {
    const { root, dump } = await awkward();
    const target = await newTarget();
    const report = await filesLoader({ path: target }).load(dump, LOAD, NEVER);
    expect(await describeTree(target)).toEqual(await describeTree(root));
    expect(report.rows).toEqual({ files: dump.streams[1]?.rows });
    expect(report.leftOut).toEqual([]);
    const [here, there] = await Promise.all([target, root].map((folder) => stat(join(folder, 'sparse'))));
    expect(here?.blocks).toBeLessThanOrEqual((there?.blocks ?? 0) + 16);
    expect((here?.blocks ?? 0) * 512).toBeLessThan((here?.size ?? 0) / 2);
  });

  test('fills an empty folder where it is', async () => {
    const { root, dump } = await awkward();
    const target = await newTarget();
    await mkdir(target);
    const { ino } = await stat(target);
    const { exists, occupied } = await filesLoader({ path: target }).preflight(dump, LOAD, NEVER);
    expect({ exists, occupied }).toEqual({ exists: true, occupied: false });
    await filesLoader({ path: target }).load(dump, LOAD, NEVER);
    expect(await describeTree(target)).toEqual(await describeTree(root));
    expect((await stat(target)).ino).toBe(ino);
  });

  test('touches nothing that is there', async () => {
    const { dump } = await awkward();
    const target = await newTarget();
    await mkdir(target);
    await writeFile(join(target, 'mine'), 'mine');
    const loader = filesLoader({ path: target });
    expect(await loader.preflight(dump, LOAD, NEVER)).toMatchObject({ exists: true, occupied: true });
    await expect(loader.load(dump, LOAD, NEVER)).rejects.toMatchObject({ code: 'FILES_TARGET_OCCUPIED' });
    await expect(filesLoader({ path: join(target, 'mine') }).load(dump, LOAD, NEVER)).rejects.toMatchObject({
      code: 'FILES_TARGET_OCCUPIED',
    });
    await expect(
      filesLoader({ path: join(target, 'no/where') }).load(dump, LOAD, NEVER),
    ).rejects.toMatchObject({ code: 'FILES_RESTORE_IMPOSSIBLE' });
    expect(await readdir(target)).toEqual(['mine']);
  });

  test('that is cancelled leaves nothing', async () => {
    const { dump } = await awkward();
    const target = await newTarget();
    const controller = new AbortController();
    let bytes = 0;
    const onProgress = (count: number): void => {
      bytes += count;
      if (bytes > 1_000_000) controller.abort();
    };
    const loading = filesLoader({ path: target }).load(dump, { ...LOAD, onProgress }, controller.signal);
    await expect(loading).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await readdir(join(target, '..'))).toEqual([]);
  });

  test.runIf(process.geteuid?.() === 0)('by another user than root gives that user everything', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-nobody-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await Promise.all([chmod(folder, 0o755), mkdir(join(folder, 'root')), mkdir(join(folder, 'own'))]);
    await writeFile(join(folder, 'root/setuid'), 'x', { mode: 0o755 });
    await chmod(join(folder, 'root/setuid'), 0o6755);
    await chown(join(folder, 'own'), 65534, 65534);
    const { archive, list } = await dumpFolder(join(folder, 'root'));
    await Promise.all([writeFile(join(folder, 'archive'), archive), writeFile(join(folder, 'list'), list)]);
    const kit = new URL('files-as-nobody.ts', import.meta.url).pathname;
    const args = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, kit, folder];
    const out = execFileSync(locateOrThrow('setpriv'), args, { encoding: 'utf8' });
    expect(out).toContain('only root can give files to their owners');
    const { mode, uid } = await stat(join(folder, 'own/restored/setuid'));
    expect({ mode: mode & 0o7777, uid }).toEqual({ mode: 0o755, uid: 65534 });
  });

  test('--no-owner leaves owners and set-user-id out', async () => {
    const { dump } = await awkward();
    const target = await newTarget();
    await filesLoader({ path: target }).load(dump, { ...LOAD, noOwner: true }, NEVER);
    const { mode, uid } = await stat(join(target, 'a.txt'));
    expect({ mode: mode & 0o7777, uid }).toEqual({ mode: 0o755, uid: process.geteuid?.() });
    expect((await stat(join(target, 'new'))).uid).toBe(process.geteuid?.());
  });
});

describe('a restore of some paths', () => {
  test('brings them, what lies below, and the folders above; and reads little else', async () => {
    const { root, dump } = await awkward();
    const target = await newTarget();
    const paths = ['img/deep/', './odd  name', '/private/key'];
    dump.bytesRead = 0;
    const report = await filesLoader({ path: target }).load(dump, { ...LOAD, paths }, NEVER);
    const all = await describeTree(root);
    const under = /^(img\t|img\/deep|odd {2}name|private|\t)/;
    const shallow = (line: string): string =>
      line.replace('hard link\tf\t4755\t0:0\t2', 'hard link\tf\t4755\t0:0\t1');
    const here = await describeTree(target);
    expect(here.slice(0, -1)).toEqual(all.filter((line) => under.test(line)).map(shallow));
    expect(here.at(-1)).toMatch(
      /# file: img\nsystem.posix_acl_default=0x.*# file: odd {2}name\nuser.empty=0x/s,
    );
    expect(report.rows).toEqual({ files: 9 });
    expect(dump.bytesRead).toBeLessThan(dump.archive.length / 10);
  });

  test('gives further names of a file its content, and keeps them one file', async () => {
    const root = await tempFolder('links');
    await mkdir(join(root, 'z'));
    await writeFile(join(root, 'first'), 'x'.repeat(2_000_000));
    execFileSync('ln', [join(root, 'first'), join(root, 'z/second')]);
    execFileSync('ln', [join(root, 'first'), join(root, 'z/third')]);
    const target = await newTarget();
    await filesLoader({ path: target }).load(await dumpFolder(root), { ...LOAD, paths: ['z'] }, NEVER);
    expect((await readdir(target, { recursive: true })).sort()).toEqual(['z', 'z/second', 'z/third']);
    const [second, third] = await Promise.all(
      ['second', 'third'].map((name) => stat(join(target, 'z', name))),
    );
    expect(second).toMatchObject({ size: 2_000_000, nlink: 2, ino: third?.ino });
  });

  test('says what is not there, and that files have no tables', async () => {
    const { dump } = await awkward();
    const loader = filesLoader({ path: await newTarget() });
    const { problems } = await loader.preflight(dump, { ...LOAD, paths: ['img', 'im', 'a.txt/x'] }, NEVER);
    expect(problems).toEqual([
      'There is no im in this snapshot: correct --path.',
      'There is no a.txt/x in this snapshot: correct --path.',
    ]);
    const tables = await loader.preflight(dump, { ...LOAD, tables: ['files'] }, NEVER);
    expect(tables.problems).toEqual(['A snapshot of files has no tables: use --path.']);
  });

  test('one file can be read alone, by each of its names', async () => {
    const { root, dump } = await awkward();
    const read = async (path: string) =>
      Buffer.concat(await Array.fromAsync(readStoredFile(dump, path, NEVER)));
    expect((await read('img/big.bin')).equals(await readFile(join(root, 'img/big.bin')))).toBe(true);
    expect((await read('img/deep/hard link')).toString()).toBe('hello\n');
    expect((await read('nothing')).length).toBe(0);
    await expect(read('img')).rejects.toMatchObject({ code: 'FILES_NOT_A_FILE' });
    await expect(read('img/good')).rejects.toMatchObject({ code: 'FILES_NOT_A_FILE' });
    await expect(read('imgs')).rejects.toMatchObject({ code: 'FILES_PATH_UNKNOWN' });
  });
});

const link = (path: string, target: string): Forged => ({ path, type: 'symlink', target });
const file = (path: string): Forged => ({ path, type: 'file', content: 'pwned' });
const folder = (path: string): Forged => ({ path, type: 'folder' });

describe('an attack', () => {
  test.each<[string, readonly Forged[]]>([
    ['a path that leads upwards', [file('../outside/new')]],
    ['a path that leads upwards later', [folder('a'), file('a/../../outside/new')]],
    ['an absolute path', [file('/tmp/holdfast-pwned')]],
    ['a path in disguise', [folder('a'), file('a/./b')]],
    ['a path with an empty part', [folder('a'), file('a//b')]],
    ['a path with a zero byte', [file('a\0b')]],
    ['a file through a link', [link('a', '../outside'), file('a/new')]],
    [
      'a file through a link that is said to be a folder',
      [link('a', '../outside'), folder('a'), file('a/new')],
    ],
    ['a folder that becomes a link', [folder('a'), link('a', '../outside'), file('a/new')]],
    ['a file over a link', [link('a', '../outside/victim'), file('a')]],
    ['a file twice', [file('a'), file('a')]],
    ['a file in a folder that was left', [folder('a'), file('b'), file('a/c')]],
    ['a file in a file', [file('a'), file('a/b')]],
    ['a further name of something outside', [{ path: 'a', type: 'link', target: '../outside/victim' }]],
    [
      'a further name through a link',
      [link('a', '../outside'), { path: 'b', type: 'link', target: 'a/victim' }],
    ],
    ['a further name of a link', [link('a', '../outside/victim'), { path: 'b', type: 'link', target: 'a' }]],
    ['a further name of a folder', [folder('a'), { path: 'b', type: 'link', target: 'a' }]],
    ['a further name of itself', [{ path: 'a', type: 'link', target: 'a' }]],
    ['the root as a link', [link('.', '../outside')]],
    ['the root twice', [folder('a'), folder('.')]],
    ['a link without a target', [link('a', '')]],
  ])('by %s is refused, and nothing is left', async (_, entries) => {
    const { target, outside } = await makeOutside();
    const before = await describeTree(outside);
    const dump = forge(entries);
    await expect(filesLoader({ path: target }).load(dump, LOAD, NEVER)).rejects.toMatchObject({
      code: 'FILES_ARCHIVE_REFUSED',
      exit: 'verification',
    });
    expect(await describeTree(outside)).toEqual(before);
    expect(await readdir(join(target, '..'))).toEqual(['outside']);
  });

  test('by a list that lies about the archive is refused', async () => {
    const honest = forge([folder('a'), file('a/b'), link('a/c', 'x')]);
    const lies: [string, string][] = [
      ['"path":"a/b"', '"path":"a/d"'],
      ['"type":"symlink"', '"type":"link"'],
      ['"size":5', '"size":6'],
      ['"target":"x"', '"target":"y"'],
      ['"mode":"0755"', '"mode":"99999"'],
      ['"type":"file"', '"type":"program"'],
      ['"mtime":"0.000000000"', '"mtime":"now"'],
    ];
    for (const [truth, lie] of lies) {
      const list = Buffer.from(honest.list.toString().replace(truth, lie));
      expect(list.equals(honest.list)).toBe(false);
      const target = await newTarget();
      const loading = filesLoader({ path: target }).load(holdDump(honest.archive, list), LOAD, NEVER);
      await expect(loading).rejects.toMatchObject({ code: 'FILES_ARCHIVE_REFUSED' });
    }
  });

  test('by a list that leaves something out, or has more, is refused', async () => {
    const { archive, list } = forge([folder('a'), file('a/b'), file('c')]);
    const lines = list.toString().split('\n').slice(0, -1);
    const lists = [lines.slice(0, -1), [...lines, lines[3]], lines.toReversed(), lines.toSpliced(2, 1), []];
    for (const some of lists) {
      const dump = holdDump(archive, Buffer.from(some.map((line) => `${line ?? ''}\n`).join('')));
      const loading = filesLoader({ path: await newTarget() }).load(dump, LOAD, NEVER);
      await expect(loading).rejects.toMatchObject({ code: 'FILES_ARCHIVE_REFUSED' });
    }
  });

  test('of devices, which nobody can restore by this, is left out and said', async () => {
    const dump = forge([{ path: 'null', type: 'char', device: { major: 1, minor: 3 } }, file('z')]);
    const target = await newTarget();
    const { leftOut } = await filesLoader({ path: target }).load(dump, LOAD, NEVER);
    expect(leftOut).toEqual(['left out, as devices: null; make them with mknod']);
    expect(await readdir(target)).toEqual(['z']);
  });
});
