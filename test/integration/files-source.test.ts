/** What a folder of files becomes: an archive that stock `tar` reads, and a list that agrees with it. */
import { spawn } from 'node:child_process';
import { open, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseLines } from '../../src/rows/files/list.ts';
import { filesSource } from '../../src/sources/files/source.ts';
import { tempFolder } from '../services/temp.ts';
import { describeTree, dumpFolder, makeAwkward, NEVER, run } from './files-kit.ts';

const pathsIn = async (list: Buffer): Promise<string[]> =>
  (await Array.fromAsync(parseLines(piecesOf(list)))).map(({ path }) => path);

// eslint-disable-next-line @typescript-eslint/require-await -- a stream
async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
}

async function makeFiles(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await tempFolder('files');
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), content);
  }
  return root;
}

describe('the archive', () => {
  test('is read by tar, which brings back every awkward thing', async () => {
    const root = join(await tempFolder('awkward'), 'root');
    await makeAwkward(root);
    const { archive, warnings } = await dumpFolder(root);
    const [out, file] = [await tempFolder('tar'), join(await tempFolder('file'), 'a.tar')];
    await writeFile(file, archive);
    // It would wonder at 1955 and 2038; at anything else it still does.
    const { stderr } = await run('tar', [
      '--warning=no-timestamp',
      '--xattrs',
      '--xattrs-include=*',
      '-xpf',
      file,
      '-C',
      out,
    ]);
    expect(stderr).toBe('');
    expect(await describeTree(out)).toEqual(await describeTree(root));
    expect(warnings).toEqual([]);
  });

  test('of the same folder is the same, byte for byte', async () => {
    const root = join(await tempFolder('awkward'), 'root');
    await makeAwkward(root);
    const [one, two] = [await dumpFolder(root), await dumpFolder(root)];
    expect(one.archive.equals(two.archive)).toBe(true);
    expect(one.list.equals(two.list)).toBe(true);
  });

  test('is in the order of paths, each folder before what is in it', async () => {
    const root = await makeFiles({ 'b/x': '', a: '', 'b.txt': '', 'b/c/d': '', B: '', ä: '' });
    const { list } = await dumpFolder(root);
    expect(await pathsIn(list)).toEqual(['.', 'B', 'a', 'b', 'b/c', 'b/c/d', 'b/x', 'b.txt', '\xc3\xa4']);
  });

  test('has each entry where the list says', async () => {
    const root = await makeFiles({ one: 'first', two: 'second'.repeat(1000), three: '' });
    const { archive, list } = await dumpFolder(root);
    let end = 0;
    for (const { offset, length, size, path, type } of await Array.fromAsync(parseLines(piecesOf(list)))) {
      expect(offset).toBe(end);
      end = offset + length;
      if (type !== 'file') continue;
      const content = archive.subarray(end - Math.ceil(size / 512) * 512).subarray(0, size);
      expect(content.toString()).toBe({ one: 'first', two: 'second'.repeat(1000), three: '' }[path]);
    }
    expect(archive.length).toBe(end + 1024);
  });
});

describe('what is left out', () => {
  test('is what the patterns say, with all that lies below', async () => {
    const root = await makeFiles({
      'a.tmp': '',
      'keep.txt': '',
      'cache/x': '',
      'sub/cache/y': '',
      'sub/b.tmp': '',
      'node_modules/z/w': '',
      'sub/node_modules': 'a file',
      'logs/2026/a.log': '',
      'logs/2026/a.txt': '',
    });
    const { list } = await dumpFolder(root, {
      exclude: ['*.tmp', '/cache/', 'node_modules/', 'logs/**/*.log'],
    });
    expect(await pathsIn(list)).toEqual([
      ...['.', 'keep.txt', 'logs', 'logs/2026', 'logs/2026/a.txt'],
      ...['sub', 'sub/cache', 'sub/cache/y', 'sub/node_modules'],
    ]);
  });

  test("is holdfast's own state and store, which is said", async () => {
    const root = await makeFiles({ a: '', 'var/state/chain': '', 'store/keep-030/x': '' });
    const { list, warnings } = await dumpFolder(root, {
      never: [join(root, 'var/state'), join(root, 'store'), '/does/not/exist'],
    });
    expect(await pathsIn(list)).toEqual(['.', 'a', 'var']);
    expect(warnings).toEqual(["holdfast's own folders were left out: store, var/state"]);
  });

  test('are sockets, which is said', async () => {
    const root = await makeFiles({ a: '' });
    const server = createServer().listen(join(root, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const { list, warnings } = await dumpFolder(root);
    server.close();
    expect(await pathsIn(list)).toEqual(['.', 'a']);
    expect(warnings).toEqual(['1 left out that are sockets and the like: socket']);
  });

  test('is nothing when a pattern cannot be one', async () => {
    const root = await makeFiles({ a: '' });
    const options = { root, never: [], scratch: await tempFolder(), onWarning: () => undefined };
    for (const exclude of ['/', '!a', 'a/../b', 'x[', 'a//b', '']) {
      const source = filesSource({ ...options, exclude: [exclude] });
      await expect(source.probe(NEVER)).rejects.toMatchObject({ code: 'FILES_PATTERN', exit: 'usage' });
    }
  });
});

describe('a folder that does not hold still', () => {
  test('a file that grows while it is read is of the length that its header says, and is named', async () => {
    const root = await makeFiles({ log: 'x'.repeat(5_000_000), zz: 'behind' });
    const log = await open(join(root, 'log'), 'a');
    const warnings: string[] = [];
    const source = filesSource({
      ...{ root, exclude: [], never: [], scratch: await tempFolder('scratch') },
      onWarning: (text) => void warnings.push(text),
    });
    await using dump = await source.dump(NEVER);
    const pieces: Buffer[] = [];
    let list = '';
    for (const lane of dump.lanes)
      for await (const { name, bytes } of lane)
        for await (const piece of bytes) {
          if (name === 'files') list += Buffer.from(piece).toString();
          else pieces.push(Buffer.from(piece));
          if (name === 'archive') await log.appendFile('more');
        }
    await log.close();
    expect(list.split('\n').filter((line) => line.includes('"changed":true'))).toHaveLength(1);
    expect(list).toMatch(/"path":"log".*"size":5000000.*"changed":true/);
    expect(warnings).toEqual(['1 file changed while being read, and may be of no single moment: log']);
    const out = await tempFolder('tar');
    const file = join(await tempFolder('file'), 'a.tar');
    await writeFile(file, Buffer.concat(pieces));
    await run('tar', ['-xf', file, '-C', out]);
    expect((await run('cat', [join(out, 'zz')])).stdout).toBe('behind');
  });

  test('what is replaced, shortened or removed meanwhile leaves a whole archive, and nothing from elsewhere', async () => {
    const secret = join(await tempFolder('secret'), 'shadow');
    await writeFile(secret, 'the secret of another user');
    const files = Object.fromEntries(
      Array.from({ length: 600 }, (_, i) => [`d${Math.floor(i / 20)}/f${i}`, `content ${i}`.repeat(50)]),
    );
    const root = await makeFiles(files);
    // In a process of its own, so that it comes between any two calls.
    const disturber = spawn('bash', ['-c', DISTURB, 'disturb', root, secret], { stdio: 'ignore' });
    const ended = new Promise((resolve) => disturber.once('close', resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { archive } = await dumpFolder(root);
    disturber.kill();
    await ended;
    expect(archive.includes('the secret of another user')).toBe(false);
    const out = await tempFolder('tar');
    const file = join(await tempFolder('file'), 'a.tar');
    await writeFile(file, archive);
    await run('tar', ['-xf', file, '-C', out]);
  });
});

/** Files become links to a secret, folders are moved away and become links to where it lies; and back again. */
const DISTURB = String.raw`
  cd "$1" && for round in 1 2 3 4 5; do for d in d*; do
    ln -sfn "$2" $d/x && mv -T $d/x $d/$(ls $d | head -n 1); rm -f $d/$(ls $d | tail -n 1)
    mv $d m$d; ln -s "$(dirname "$2")" $d; rm $d; mv m$d $d
  done; done
`;

describe('what stops a backup', () => {
  test('is a folder that is not there, and a file in its place', async () => {
    const root = await makeFiles({ a: '' });
    const options = { exclude: [], never: [], scratch: await tempFolder(), onWarning: () => undefined };
    const missing = filesSource({ ...options, root: join(root, 'b') });
    await expect(missing.probe(NEVER)).rejects.toMatchObject({ code: 'FILES_MISSING' });
    await expect(missing.dump(NEVER)).rejects.toMatchObject({ code: 'FILES_MISSING' });
    const file = filesSource({ ...options, root: join(root, 'a') });
    await expect(file.probe(NEVER)).rejects.toMatchObject({ code: 'FILES_NOT_A_FOLDER' });
  });

  test('is being cancelled', async () => {
    const root = await makeFiles(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, 'x'])));
    const options = { exclude: [], never: [], scratch: await tempFolder(), onWarning: () => undefined };
    const controller = new AbortController();
    await using dump = await filesSource({ ...options, root }).dump(controller.signal);
    const readAll = async (): Promise<void> => {
      for (const lane of dump.lanes)
        for await (const { bytes } of lane) for await (const _ of bytes) controller.abort();
    };
    await expect(readAll()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test('an empty folder only makes it wonder', async () => {
    const root = await tempFolder('empty');
    const options = { exclude: [], never: [], scratch: await tempFolder(), onWarning: () => undefined };
    const { warnings } = await filesSource({ ...options, root }).probe(NEVER);
    expect(warnings).toEqual([`${root} is empty; if it is on a volume of its own, that may not be mounted`]);
    const { list } = await dumpFolder(root);
    expect(await pathsIn(list)).toEqual(['.']);
  });
});
