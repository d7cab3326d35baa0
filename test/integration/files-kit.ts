/** Folders with every awkward thing in them, what `find` says of them, and dumps of them held in memory. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatLine, LIST_TABLE, type Listed } from '../../src/rows/files/list.ts';
import { filesSource, type FilesSourceOptions } from '../../src/sources/files/source.ts';
import { ARCHIVE_END, formatHeader, paddingOf } from '../../src/rows/files/tar-header.ts';
import type { DumpReader, LoadOptions, StoredStream } from '../../src/sources/source.ts';
import { tempFolder } from '../services/temp.ts';

export const run = promisify(execFile);
export const NEVER = new AbortController().signal;

export const LOAD: LoadOptions = { jobs: 1, globals: false, noOwner: false, onProgress: () => undefined };

/** A file system that takes any bytes as a name makes the last two. */
export async function makeAwkward(root: string): Promise<void> {
  await run('bash', ['-euc', AWKWARD, 'make', root]);
  await settleTimes(root);
}

const AWKWARD = String.raw`
  umask 022; mkdir -p "$1"; cd "$1"
  mkdir -p img/deep/deeper empty 'odd  name' private; chmod 1777 empty
  printf 'hello\n' > a.txt; chmod 4755 a.txt; : > nothing; printf 'x' > -rf; printf 'x' > '*'
  head -c 3000000 /dev/urandom > img/big.bin; ln img/big.bin img/also-big; ln a.txt 'img/deep/hard link'
  ln -s ../a.txt img/good; ln -s /etc/passwd img/absolute; ln -s ../../../.. img/up; ln -s gone img/dangling
  ln -s "$(printf 't%.0s' {1..300})" img/long-target
  mkfifo pipe; chmod 640 pipe; printf 'secret' > private/key; chmod 400 private/key; chmod 500 private
  truncate -s 6M sparse; printf 'end' >> sparse; dd if=/dev/urandom of=sparse bs=1000 count=70 seek=2777 conv=notrunc status=none
  touch -d '1955-11-05 06:15:00.250' old; touch -d '2038-01-19 03:14:08.123456789' new; touch -d @0 epoch
  printf 'u' > "odd  name/ünïcödé 表"; printf 'l' > "$(printf 'ä%.0s' {1..100})"; printf 'q' > $'quo"te\\back\nline'
  long=$(printf 'd%.0s' {1..200}); mkdir -p "$long/$long/$long"; printf 'deep' > "$long/$long/$long/file"
  printf 'b' > $'\xff\xfe not utf8'; ln -s $'\xf0 target' $'link \xff'
  setfattr -n user.comment -v 0x00ff0a3d img/big.bin; setfattr -n user.empty 'odd  name'
  setfattr -n user.x -v y $'quo"te\\back\nline'; setfattr -n user.root -v r .
  setfacl -m u:33:rw nothing; setfacl -d -m g:33:rx img
  if [ "$(id -u)" = 0 ]; then chown -h 33:33 img img/good; chown 12345:54321 new; chgrp 33 sparse; fi
  touch -d '2020-02-20 20:20:20.5' img empty; touch -h -d '2019-09-19 09:09:09' img/good
`;

/**
 * Takes the time of what was just written away from where two roundings of it may differ: Node sets times through
 * floating point numbers, to less than a microsecond.
 */
export async function settleTimes(root: string): Promise<void> {
  const recent = ['-newermt', '2026-01-01', '!', '-newermt', '2037-01-01'];
  const touch = ['-exec', 'touch', '-h', '-d', settledTime(), '{}', '+'];
  await run('find', ['.', '-depth', ...recent, ...touch], { cwd: root });
}

/** The same for these names only, and not for what is in them. */
export async function settleNames(root: string, names: readonly string[]): Promise<void> {
  await run('touch', ['-h', '-d', settledTime(), ...names], { cwd: root });
}

function settledTime(): string {
  return `@${Math.floor(Date.now() / 1000)}.123456`;
}

/**
 * Everything that a restore must bring back, a line for each name. Times are rounded: Node sets them to less than a
 * microsecond.
 */
export async function describeTree(root: string): Promise<string[]> {
  const { stdout } = await run('find', ['.', '-printf', String.raw`%P\t%y\t%m\t%U:%G\t%n\t%T@\t%l\0`], {
    cwd: root,
    encoding: 'latin1',
    maxBuffer: 1 << 28,
  });
  const lines = stdout.split('\0').filter((line) => line !== '');
  const told = lines.map(async (line) => {
    const [path = '', type = '', mode = '', owner = '', links = '', time = '', target = ''] =
      line.split('\t');
    const content = type === 'f' ? await hashOf(Buffer.from(`${root}/${path}`, 'latin1')) : '';
    const count = type === 'd' ? '' : links;
    return [path, type, mode, owner, count, Math.round(Number(time) * 1e5), target, content].join('\t');
  });
  return [...(await Promise.all(told)).sort(), await attributesOf(root)];
}

/** Of all names, in the order of the paths. */
async function attributesOf(root: string): Promise<string> {
  const { stdout } = await run('getfattr', ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'], {
    cwd: root,
  });
  return stdout.split('\n\n').sort().join('\n\n');
}

async function hashOf(path: Buffer): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** A dump that is whole in memory. */
export interface HeldDump extends DumpReader {
  readonly archive: Buffer;
  readonly list: Buffer;
  /** What was read, by ranges or not, in bytes. */
  bytesRead: number;
}

export async function dumpFolder(
  root: string,
  options: Partial<FilesSourceOptions> = {},
): Promise<HeldDump & { readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const onWarning = (text: string): void => void warnings.push(text);
  const scratch = await tempFolder('scratch');
  const source = filesSource({ root, exclude: [], never: [], scratch, onWarning, ...options });
  const parts: Record<string, Buffer> = {};
  await using dump = await source.dump(NEVER);
  for (const lane of dump.lanes)
    for await (const { name, bytes } of lane) parts[name] = Buffer.concat(await Array.fromAsync(bytes));
  if ((await readdir(scratch)).length > 0) throw new Error('the scratch folder is not empty');
  return { ...holdDump(parts['archive'] ?? NOTHING, parts['files'] ?? NOTHING), warnings };
}

const NOTHING = Buffer.alloc(0);

/** Gives out pieces of odd sizes, as no reader does, so that nobody can rely on their ends. */
export function holdDump(archive: Buffer, list: Buffer): HeldDump {
  const streams: StoredStream[] = [
    { name: 'archive', section: 'data', dialect: 'tar', rows: 0, bytes: archive.length },
    {
      ...{ name: 'files', section: 'globals', dialect: 'json-lines', table: LIST_TABLE, bytes: list.length },
      rows: list.toString('latin1').split('\n').length - 1,
    } as const,
  ];
  const held: HeldDump = {
    source: { kind: 'files', database: '/', serverVersion: '', toolVersion: '', warnings: [], facts: {} },
    streams,
    archive,
    list,
    bytesRead: 0,
    // eslint-disable-next-line @typescript-eslint/require-await -- as the port has it
    async *read(stream, _signal, ranges) {
      const all = stream.name === 'archive' ? archive : list;
      for (const { offset, length } of ranges ?? [{ offset: 0, length: all.length }])
        for (let at = offset; at < offset + length; at += 77_777) {
          const piece = all.subarray(at, Math.min(at + 77_777, offset + length));
          held.bytesRead += piece.length;
          yield piece;
        }
    },
  };
  return held;
}

/** An entry of a dump that no source would make. */
export type Forged = Partial<Listed> & Pick<Listed, 'path' | 'type'> & { readonly content?: string };

/** Archive and list of such entries, each of which begins with the root. */
export function forge(entries: readonly Forged[]): HeldDump {
  const archive: Buffer[] = [];
  const lines: string[] = [];
  for (const { content = '', ...forged } of [{ path: '.', type: 'folder' } as Forged, ...entries]) {
    const plain = { mode: 0o755, uid: 0, gid: 0, user: '', group: '', mtime: 0n, size: content.length };
    const entry = { ...plain, ...forged };
    const header = formatHeader(entry);
    const bytes = Buffer.concat([header, Buffer.from(content), Buffer.alloc(paddingOf(content.length))]);
    archive.push(bytes);
    lines.push(formatLine({ ...entry, length: bytes.length }));
  }
  return holdDump(Buffer.concat([...archive, ARCHIVE_END]), Buffer.from(lines.join('')));
}

/** A folder with a secret beside the one that is restored into: nothing may come there. */
export async function makeOutside(): Promise<{ readonly target: string; readonly outside: string }> {
  const folder = await tempFolder('outside');
  const outside = join(folder, 'outside');
  await mkdir(outside);
  await writeFile(join(outside, 'victim'), 'untouched');
  await symlink('victim', join(outside, 'link'));
  return { target: join(folder, 'target'), outside };
}
