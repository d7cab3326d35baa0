/**
 * Headers of a tar archive: POSIX.1-2017, pax(1), "pax Interchange Format" and "ustar Interchange Format".
 *
 * Each entry has a pax extended header with the time in nanoseconds, and in it whatever an ustar header has no room
 * for. `tar x` of GNU and of BSD read all of it.
 */
import { archivePath, type Entry, type EntryType } from './entry.ts';
import { fromText, toText, type ByteName } from './names.ts';

export const BLOCK = 512;
/** Two blocks of zeros end an archive. */
export const ARCHIVE_END: Buffer = Buffer.alloc(2 * BLOCK);

export const TYPE_FLAGS: Readonly<Record<EntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  char: '3',
  block: '4',
  folder: '5',
  fifo: '6',
};

/** All extended attributes of an entry, as bytes in latin1, by name. */
export type Attributes = ReadonlyMap<string, ByteName>;
/** As GNU tar and libarchive write them. */
export const ATTRIBUTE_PREFIX = 'SCHILY.xattr.';

/** The header blocks of an entry; its content, padded to whole blocks, follows them. */
export function formatHeader(entry: Entry, attributes?: Attributes): Buffer {
  const path = archivePath(entry);
  const target = targetOf(entry);
  const body = Buffer.from(recordsOf(entry, path, target, attributes), 'latin1');
  const plain = { mode: entry.mode, uid: entry.uid, gid: entry.gid, user: entry.user, group: entry.group };
  const seconds = Number(entry.mtime / NANO);
  return Buffer.concat([
    ustar({ ...PAX_OWNER, path: 'PaxHeaders', type: 'x', size: body.length, seconds: 0, target: '' }),
    body,
    Buffer.alloc(paddingOf(body.length)),
    ustar({
      ...plain,
      path,
      type: TYPE_FLAGS[entry.type],
      size: entry.size,
      seconds,
      target,
      ...(entry.device && { device: entry.device }),
    }),
  ]);
}

/** Zeros between the end of a content and that of its last block. */
export function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

const NANO = 1_000_000_000n;
/** Of the headers of headers: nothing that changes, so that equal days stay equal. */
const PAX_OWNER = { mode: 0o644, uid: 0, gid: 0, user: '', group: '' } as const;

function targetOf({ type, target = '' }: Entry): ByteName {
  return type === 'link' ? archivePath({ path: target, type: 'file' }) : target;
}

function recordsOf(entry: Entry, path: ByteName, target: ByteName, attributes?: Attributes): ByteName {
  const { uid, gid, size, user, group, mtime } = entry;
  const names = [path, target].filter((name) => !fits(name, 100));
  return [
    ...(names.every((name) => toText(name) !== undefined) ? [] : [record('hdrcharset', 'BINARY')]),
    ...(fits(path, 100) ? [] : [record('path', path)]),
    ...(fits(target, 100) ? [] : [record('linkpath', target)]),
    ...(size <= OCTAL_11 ? [] : [record('size', String(size))]),
    ...(uid <= OCTAL_7 ? [] : [record('uid', String(uid))]),
    ...(gid <= OCTAL_7 ? [] : [record('gid', String(gid))]),
    ...(fits(fromText(user), 32) ? [] : [record('uname', fromText(user))]),
    ...(fits(fromText(group), 32) ? [] : [record('gname', fromText(group))]),
    record('mtime', formatTime(mtime)),
    ...[...(attributes ?? [])].map(([name, value]) => record(ATTRIBUTE_PREFIX + name, value)),
  ].join('');
}

/** An ustar field may hold it as it is: printable ASCII; or bytes that are no text, which no pax record may hold. */
function fits(name: ByteName, most: number): boolean {
  if (name.length > most) return false;
  return /^[ -~]*$/.test(name) || toText(name) === undefined;
}

const OCTAL_7 = 0o7777777;
const OCTAL_11 = 0o77777777777;

/** `LENGTH KEYWORD=VALUE` and LF, where the length counts itself. */
function record(keyword: string, value: ByteName): ByteName {
  const rest = ` ${keyword}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** Seconds with all digits of the nanoseconds. */
export function formatTime(nanoseconds: bigint): string {
  const isBefore1970 = nanoseconds < 0n;
  const size = isBefore1970 ? -nanoseconds : nanoseconds;
  return `${isBefore1970 ? '-' : ''}${size / NANO}.${String(size % NANO).padStart(9, '0')}`;
}

interface Ustar {
  readonly path: ByteName;
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly seconds: number;
  readonly target: ByteName;
  readonly user: string;
  readonly group: string;
  readonly device?: { readonly major: number; readonly minor: number };
}

function ustar(header: Ustar): Buffer {
  const block = Buffer.alloc(BLOCK);
  const { major = 0, minor = 0 } = header.device ?? {};
  block.write(header.path.slice(0, 100), 0, 'latin1');
  octal(block, 100, 8, header.mode);
  octal(block, 108, 8, header.uid <= OCTAL_7 ? header.uid : 0);
  octal(block, 116, 8, header.gid <= OCTAL_7 ? header.gid : 0);
  octal(block, 124, 12, header.size <= OCTAL_11 ? header.size : 0);
  octal(block, 136, 12, Math.min(Math.max(header.seconds, 0), OCTAL_11));
  block.fill(' ', 148, 156);
  block.write(header.type, 156, 'latin1');
  block.write(header.target.slice(0, 100), 157, 'latin1');
  block.write('ustar\u000000', 257, 'latin1');
  block.write(fromText(header.user).slice(0, 32), 265, 'latin1');
  block.write(fromText(header.group).slice(0, 32), 297, 'latin1');
  octal(block, 329, 8, major);
  octal(block, 337, 8, minor);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** The sum of a header's bytes, with blanks in the place of the sum. */
export function checksum(block: Buffer): number {
  let sum = 0;
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : (block[at] ?? 0);
  return sum;
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
}
