/** What only a folder can do, or do wrong: permissions, links, full disks, crashes between two system calls. */
import { randomBytes } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openFileStore } from '../../src/stores/file.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';
import { all, inParallel, keysOf, MiB } from './store.helpers.ts';
import { folderSubject } from './store.subjects.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

async function newStore(): Promise<{ readonly store: Store; readonly root: string }> {
  const store = await folderSubject.empty();
  return { store, root: fileURLToPath(store.url) };
}

describe('files', () => {
  test('belong to the owner alone, whatever the umask is', async () => {
    const before = process.umask(0);
    onTestFinished(() => void process.umask(before));
    const { store, root } = await newStore();
    await store.put('a/b/k', Buffer.from('x'));
    const modes = await Promise.all(
      [root, join(root, 'a'), join(root, 'a/b'), join(root, 'a/b/k')].map((path) => stat(path)),
    );
    expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['700', '700', '700', '600']);
  });

  test('create makes the folders above and keeps what is there', async () => {
    const above = await tempFolder();
    const store = openFileStore(join(above, 'x/y/store'));
    await store.create();
    await store.put('k', Buffer.from('x'));
    await openFileStore(join(above, 'x/y/store/')).create();
    expect(keysOf(await all(store))).toEqual(['k']);
  });

  test('a path with blanks and percent signs, as a URL', async () => {
    const above = await tempFolder();
    const store = openFileStore(`file://${above}/a%20b%2525/ä`);
    await store.create();
    await store.put('k', Buffer.from('x'));
    expect(await readdir(join(above, 'a b%25/ä'))).toEqual(['k']);
  });

  test('are the object and nothing else: no temporary file stays after puts, lists or questions for the time', async () => {
    const { store, root } = await newStore();
    await inParallel(
      Array.from({ length: 50 }, (_, n) => `k/${n % 10}`),
      10,
      (key) => store.put(key, randomBytes(1000)),
    );
    await Promise.all(Array.from({ length: 10 }, () => store.put('one', Buffer.of(1), { ifAbsent: true })));
    await store.features();
    await store.now();
    expect((await readdir(root)).toSorted()).toEqual(['k', 'one']);
    expect(await readFile(join(root, 'one'))).toEqual(Buffer.of(1));
  });

  test('removing the last object of a folder removes the empty folders, and never the root', async () => {
    const { store, root } = await newStore();
    await store.put('a/b/c/1', Buffer.of());
    await store.put('a/2', Buffer.of());
    await store.remove(['a/b/c/1']);
    expect(await readdir(join(root, 'a'))).toEqual(['2']);
    await store.remove(['a/2']);
    expect(await readdir(root)).toEqual([]);
    await store.put('a/b/c/1', Buffer.of());
  });

  test('of others are passed over', async () => {
    const { store, root } = await newStore();
    await store.put('k', Buffer.of());
    await mkdir(join(root, 'lost+found'), { mode: 0o000 });
    await mkdir(join(root, '.Trash-0/k'), { recursive: true });
    await mkdir(join(root, 'empty/folder'), { recursive: true });
    await writeFile(join(root, '.DS_Store'), 'x');
    await writeFile(join(root, 'a b'), 'x');
    await execa('mkfifo', [join(root, 'pipe')]);
    expect(keysOf(await all(store))).toEqual(['k']);
    expect(await store.folders('')).toEqual([]);
    expect(await store.head('pipe')).toBeUndefined();
    await expect(store.get('pipe')).rejects.toMatchObject({ code: 'STORE_OBJECT_MISSING' });
    await expect(store.put('pipe', Buffer.of(), { ifAbsent: true })).rejects.toMatchObject({
      code: 'STORE_ESCAPE',
    });
    await expect(store.put('empty', Buffer.of(), { ifAbsent: true })).rejects.toMatchObject({
      code: 'STORE_ESCAPE',
    });
    await expect(store.put('empty', Buffer.of())).rejects.toMatchObject({ code: 'STORE_ESCAPE' });
    await expect(store.put('k/below', Buffer.of())).rejects.toMatchObject({ code: 'STORE_ESCAPE' });
  });

  test('the root is a file', async () => {
    const path = join(await tempFolder(), 'file');
    await writeFile(path, 'x');
    const store = openFileStore(path);
    const missing = { code: 'STORE_MISSING', exitCode: 10 };
    await expect(store.check()).rejects.toMatchObject(missing);
    await expect(store.create()).rejects.toMatchObject(missing);
    await expect(store.put('a/k', Buffer.of())).rejects.toMatchObject(missing);
    await expect(store.get('k')).rejects.toMatchObject(missing);
    await expect(all(store)).rejects.toMatchObject(missing);
    await expect(store.now()).rejects.toMatchObject(missing);
    expect(await readFile(path, 'utf8')).toBe('x');
  });

  test('a root that goes away while the store is open is not made again', async () => {
    const { store, root } = await newStore();
    await store.put('a/k', Buffer.of());
    await rename(root, `${root}-unmounted`);
    await expect(store.put('a/k', Buffer.of())).rejects.toMatchObject({
      code: 'STORE_MISSING',
      exitCode: 10,
    });
    await expect(store.put('k', Buffer.of())).rejects.toMatchObject({ code: 'STORE_MISSING' });
    await expect(lstat(root)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('symbolic links', () => {
  test('never lead out of the store', async () => {
    const { store, root } = await newStore();
    const outside = await tempFolder('outside');
    await mkdir(join(outside, 'sub'));
    await writeFile(join(outside, 'secret'), 'untouched');
    await store.put('a/k', Buffer.from('x'));
    await symlink(outside, join(root, 'out'));
    await symlink(outside, join(root, 'a/out'));
    await symlink(join(outside, 'secret'), join(root, 'a/file'));
    await symlink(join(root, 'a/k'), join(root, 'a/inner'));

    const escape = { code: 'STORE_ESCAPE' };
    expect(keysOf(await all(store))).toEqual(['a/k']);
    expect(await store.folders('')).toEqual(['a']);
    for (const key of ['out/secret', 'a/out/secret', 'a/out/sub/new']) {
      await expect(store.get(key)).rejects.toMatchObject(escape);
      await expect(store.head(key)).rejects.toMatchObject(escape);
      await expect(store.put(key, Buffer.of())).rejects.toMatchObject(escape);
      await expect(store.put(key, Buffer.of(), { ifAbsent: true })).rejects.toMatchObject(escape);
      await expect(store.remove([key])).rejects.toMatchObject(escape);
    }
    await expect(all(store, 'out/')).rejects.toMatchObject(escape);
    await expect(store.folders('out/')).rejects.toMatchObject(escape);
    for (const key of ['a/file', 'a/inner']) {
      await expect(store.get(key)).rejects.toMatchObject(escape);
      await expect(store.head(key)).rejects.toMatchObject(escape);
      await expect(store.put(key, Buffer.of(), { ifAbsent: true })).rejects.toMatchObject(escape);
    }
    // Replacing and removing concern the link itself.
    await store.put('a/file', Buffer.from('mine'));
    await store.remove(['a/inner']);
    expect((await lstat(join(root, 'a/file'))).isFile()).toBe(true);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('untouched');
    expect((await readdir(outside)).toSorted()).toEqual(['secret', 'sub']);
    expect(await store.get('a/k')).toEqual(Buffer.from('x'));
  });

  test('the root itself may be one', async () => {
    const { store, root } = await newStore();
    await store.put('a/k', Buffer.from('x'));
    const path = join(await tempFolder(), 'link');
    await symlink(root, path);
    const linked = openFileStore(path);
    await linked.put('a/l', Buffer.from('y'));
    expect(keysOf(await all(linked))).toEqual(['a/k', 'a/l']);
    expect(await linked.get('a/k')).toEqual(Buffer.from('x'));
  });
});

describe('crashes', () => {
  test('a process killed in the middle of puts leaves whole objects, and temporary files that nobody sees', async () => {
    const { store, root } = await newStore();
    const body = randomBytes(8 * MiB);
    const bodyFile = join(await tempFolder(), 'body');
    await writeFile(bodyFile, body);
    const program = `
      import { readFileSync } from 'node:fs';
      import { openFileStore } from './src/stores/file.ts';
      const store = openFileStore(${JSON.stringify(store.url)});
      const body = readFileSync(${JSON.stringify(bodyFile)});
      for (let n = 0; ; n += 1) await store.put(\`packs/\${process.pid}-\${n}\`, body, { ifAbsent: n % 2 === 0 });`;
    const leftovers = async () => (await readdir(root)).filter((name) => name.startsWith('.tmp-')).length;
    let caught = 0;
    for (let round = 0; round < 30 && caught < 3; round += 1) {
      const child = startNode(program);
      const begun = async () => expect(await leftovers()).toBeGreaterThan(caught);
      await vi.waitFor(begun, { timeout: 20_000, interval: 1 });
      await sleep(Math.random() * 10);
      child.kill('SIGKILL');
      await once(child, 'exit');
      caught = await leftovers();
      for (const { key, bytes } of await all(store)) {
        expect(bytes).toBe(body.length);
        expect((await store.get(key)).equals(body)).toBe(true);
        await store.remove([key]);
      }
    }
    expect(caught, 'no kill ever fell between write and rename').toBe(3);
    expect(await all(store)).toEqual([]);
    expect(await store.folders('')).toEqual([]);
  });

  test('temporary files go after a day, with the next put, and not before', async () => {
    const { store, root } = await newStore();
    const [old, young, notOurs] = ['.tmp-old', '.tmp-young', '.keep-this'].map((name) => join(root, name));
    const ages = [
      [old, 2 * DAY_MS],
      [young, DAY_MS - 60_000],
      [notOurs, 9 * DAY_MS],
    ] as const;
    for (const [path = '', age] of ages) {
      await writeFile(path, 'x');
      const time = new Date(Date.now() - age);
      await utimes(path, time, time);
    }
    await mkdir(join(root, '.tmp-folder'));
    await all(store);
    expect(await readdir(root)).toContain('.tmp-old');
    await store.put('k', Buffer.of());
    expect((await readdir(root)).toSorted()).toEqual(['.keep-this', '.tmp-folder', '.tmp-young', 'k']);
  });
});

describe('disks', () => {
  test('a full one: the put fails with one clear error, and leaves nothing of itself', async () => {
    const report = await onOwnMount(
      'size=1m',
      `
      await store.put('small', Buffer.alloc(100_000));
      say(await codeOf(store.put('large', Buffer.alloc(2_000_000))));
      say(await codeOf(store.put('large', Buffer.alloc(2_000_000), { ifAbsent: true })));
      say(readdirSync(root));
      await store.put('still-works', Buffer.alloc(500_000));
      say(await codeOf(store.put('large', Buffer.alloc(700_000))));
      await store.remove(['still-works']);
      await store.put('large', Buffer.alloc(700_000));
      say((await Array.fromAsync(store.list(''))).map(({ key, bytes }) => [key, bytes]));
      say(Math.abs((await store.now()).getTime() - Date.now()) < 5000);`,
    );
    expect(report).toEqual([
      ['STORE_FULL', 1, expect.stringMatching(/^no room to write large in the store .*: the disk is full$/)],
      ['STORE_FULL', 1, expect.stringContaining('the disk is full')],
      ['small'],
      ['STORE_FULL', 1, expect.stringContaining('the disk is full')],
      expect.arrayContaining([
        ['small', 100_000],
        ['large', 700_000],
      ]),
      true,
    ]);
  });

  test('one without inodes left', async () => {
    const report = await onOwnMount(
      'nr_inodes=3',
      `
      await store.put('a', Buffer.of());
      say(await codeOf(store.put('b', Buffer.of()).then(() => store.put('c', Buffer.of()))));
      say(Math.abs((await store.now()).getTime() - Date.now()) < 5000);`,
    );
    expect(report).toEqual([['STORE_FULL', 1, expect.stringContaining('the disk is full')], true]);
  });

  test('one mounted read-only: reading goes, writing is refused, the clock is this host’s', async () => {
    const report = await onOwnMount(
      'size=1m',
      `
      await store.put('a/k', Buffer.from('x'));
      execFileSync('mount', ['-o', 'remount,ro', root]);
      await store.check();
      say((await store.get('a/k')).toString());
      say((await store.features()).ifAbsent);
      say(await codeOf(store.put('b', Buffer.of())));
      say(await codeOf(store.put('a/k', Buffer.of(), { ifAbsent: true })));
      say(await codeOf(store.remove(['a/k'])));
      say(Math.abs((await store.now()).getTime() - Date.now()) < 5000);`,
    );
    const readOnly = ['STORE_READ_ONLY', 1, expect.stringContaining('read-only')];
    expect(report).toEqual(['x', false, readOnly, 'already-there', readOnly, true]);
  });

  test('one that limits the size of files', async () => {
    const { store, root } = await newStore();
    const program = `
      import { openFileStore } from './src/stores/file.ts';
      const store = openFileStore(${JSON.stringify(store.url)});
      await store.put('large', Buffer.alloc(2_000_000)).catch((error) => console.log(error.code, error.message));`;
    // The signal that comes with the limit is ignored, as servers do: then the write itself fails.
    const script = `trap '' XFSZ; ulimit -f 1000; exec "$0" --input-type=module-typescript -e "$1"`;
    const { stdout } = await execa('bash', ['-c', script, process.execPath, program], { cwd: REPOSITORY });
    expect(stdout).toMatch(/^STORE_FULL .*files of this size/);
    expect(await readdir(root)).toEqual([]);
  });

  test('a folder inside that another user owns: the error names the key and says what to do', async () => {
    const { store, root } = await newStore();
    await store.put('a/k', Buffer.of());
    if (process.geteuid?.() === 0) {
      await chmod(join(root, '..'), 0o711);
      await chmod(root, 0o777);
      process.seteuid?.(65534);
      onTestFinished(() => process.seteuid?.(0));
    } else {
      await chmod(join(root, 'a'), 0o500);
    }
    await expect(openFileStore(store.url).put('a/new', Buffer.of())).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: `not allowed to write a/new in the store ${store.url}`,
      hint: expect.stringContaining('chown') as string,
    });
    process.seteuid?.(process.getuid?.() ?? 0);
    await chmod(join(root, 'a'), 0o700);
    expect(keysOf(await all(store))).toEqual(['a/k']);
  });
});

const REPOSITORY = join(import.meta.dirname, '../..');

function startNode(program: string): ChildProcess {
  return spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    cwd: REPOSITORY,
    stdio: 'inherit',
  });
}

/**
 * Runs a piece of program with a `store` on a small file system of its own, in memory. It is mounted in a namespace
 * of its own, so it is gone with the process. Answers what the program said.
 */
async function onOwnMount(options: string, body: string): Promise<unknown[]> {
  const root = await tempFolder('mount');
  const program = `
    import { execFileSync } from 'node:child_process';
    import { readdirSync } from 'node:fs';
    import { openFileStore } from './src/stores/file.ts';
    const root = ${JSON.stringify(root)};
    const store = openFileStore(root);
    const say = (value) => console.log(JSON.stringify(value));
    const codeOf = (work) => work.catch((error) => [error.code, error.exitCode, error.message]);
    ${body}`;
  const script = `mount -t tmpfs -o "$0" holdfast "$1" && shift && exec "$@"`;
  const asRoot = process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const node = [process.execPath, '--input-type=module-typescript', '-e', program];
  const args = [...asRoot, '--mount', 'sh', '-c', script, options, root, ...node];
  const { stdout } = await execa('unshare', args, { cwd: REPOSITORY });
  return stdout.split('\n').map((line) => JSON.parse(line) as unknown);
}
