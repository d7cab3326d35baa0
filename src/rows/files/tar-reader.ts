/**
 * Reading an archive as `tar-header.ts` writes it, and nothing else: what another program may mean by a header is
 * refused, and so is a path that leads out of the target. Whoever could make a snapshot could make this archive.
 */
import type { ByteFlow } from './byte-flow.ts';
import type { EntryType } from './entry.ts';
import { archiveRefused, listDiffers } from './errors.ts';
import { checkNames, type Listed } from './list.ts';
import { ROOT, type ByteName } from './names.ts';
import { ATTRIBUTE_PREFIX, BLOCK, checksum, paddingOf, TYPE_FLAGS, type Attributes } from './tar-header.ts';

/** What an archive says of an entry beside the list. */
export interface Archived {
  readonly path: ByteName;
  readonly type: EntryType;
  readonly size: number;
  readonly target?: ByteName;
  readonly attributes: Attributes;
}

/** More than any path and all attributes of a file on Linux (64 KiB each) come to. */
const PAX_BYTES_MAX = 1024 * 1024;

/**
 * Reads the headers of the next entry; its content is the next `size` bytes of the flow, its padding after it.
 * @returns undefined when the archive, or the part of it that the flow has, is at its end
 * @throws HoldfastError FILES_ARCHIVE_REFUSED
 */
export async function readHeader(flow: ByteFlow): Promise<Archived | undefined> {
  if (await flow.isAtEnd()) return undefined;
  const what = `byte ${flow.position}`;
  const first = await flow.take(BLOCK);
  if (isZero(first)) return endArchive(flow, what);
  const { flag, size } = readBlock(first, what);
  if (flag !== 'x' || size > PAX_BYTES_MAX) throw archiveRefused(what, 'there is no header of an entry');
  const records = readRecords((await flow.take(size)).toString('latin1'), what);
  await takePadding(flow, size, what);
  return describe(readBlock(Buffer.from(await flow.take(BLOCK)), what), records, what);
}

/** @throws HoldfastError FILES_ARCHIVE_REFUSED when list and archive speak of different things */
export function checkAgainst(listed: Listed, header: Archived | undefined): void {
  if (header === undefined) throw listDiffers(listed.path, 'the archive ends before it');
  for (const key of ['path', 'type', 'size', 'target'] as const)
    if (header[key] !== listed[key]) throw listDiffers(listed.path, `archive and list differ in its ${key}`);
}

/** Takes the zeros behind a content. */
export async function takePadding(flow: ByteFlow, size: number, what: string): Promise<void> {
  const length = paddingOf(size);
  if (length > 0 && !isZero(await flow.take(length))) throw archiveRefused(what, 'its padding is not empty');
}

async function endArchive(flow: ByteFlow, what: string): Promise<undefined> {
  if (!isZero(await flow.take(BLOCK)) || !(await flow.isAtEnd()))
    throw archiveRefused(what, 'it goes on behind its end');
}

interface Block {
  readonly name: ByteName;
  readonly flag: string;
  readonly size: number;
  readonly target: ByteName;
}

function readBlock(block: Buffer, what: string): Block {
  if (block.toString('latin1', 257, 265) !== 'ustar\u000000')
    throw archiveRefused(what, 'there is no ustar header');
  if (octal(block, 148, 7) !== checksum(block)) throw archiveRefused(what, 'the sum of its header is wrong');
  return {
    name: textOf(block, 0, 100),
    flag: block.toString('latin1', 156, 157),
    size: octal(block, 124, 12),
    target: textOf(block, 157, 100),
  };
}

function octal(block: Buffer, at: number, length: number): number {
  const digits = block.toString('latin1', at, at + length - 1);
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : NaN;
}

function textOf(block: Buffer, at: number, length: number): ByteName {
  const text = block.toString('latin1', at, at + length);
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

const KEYWORDS: ReadonlySet<string> = new Set([
  ...['path', 'linkpath', 'size', 'uid', 'gid', 'uname', 'gname', 'mtime', 'hdrcharset'],
]);

function readRecords(text: ByteName, what: string): ReadonlyMap<string, ByteName> {
  const records = new Map<string, ByteName>();
  let at = 0;
  while (at < text.length) {
    const [head = '', digits = '', keyword = ''] =
      /^(\d{1,7}) ([^=\n]{1,1000})=/.exec(text.slice(at, at + 1010)) ?? [];
    const length = Number(digits);
    const isWhole = head !== '' && length >= head.length + 1 && text[at + length - 1] === '\n';
    if (!isWhole || records.has(keyword)) throw archiveRefused(what, 'a record of its header is malformed');
    if (!KEYWORDS.has(keyword) && !keyword.startsWith(ATTRIBUTE_PREFIX))
      throw archiveRefused(what, 'its header has a record that holdfast does not write');
    records.set(keyword, text.slice(at + head.length, at + length - 1));
    at += length;
  }
  return records;
}

function describe(block: Block, records: ReadonlyMap<string, ByteName>, what: string): Archived {
  const type = typeOf(block.flag);
  if (type === undefined) throw archiveRefused(what, 'it is of a type that holdfast does not write');
  const size = sizeOf(block.size, records.get('size'));
  if (!Number.isSafeInteger(size) || (type !== 'file' && size !== 0))
    throw archiveRefused(what, 'its size cannot be');
  const path = pathFrom(records.get('path') ?? block.name, type, what);
  const linkpath = records.get('linkpath') ?? block.target;
  const target = type === 'link' ? pathFrom(linkpath, 'file', what) : linkpath;
  const names = { path, ...((type === 'link' || type === 'symlink' || target !== '') && { target }) };
  checkNames(what, type, names.path, names.target);
  const attributes = [...records].filter(([keyword]) => keyword.startsWith(ATTRIBUTE_PREFIX));
  return {
    ...names,
    type,
    size,
    attributes: new Map(
      attributes.map(([keyword, value]) => [keyword.slice(ATTRIBUTE_PREFIX.length), value]),
    ),
  };
}

function typeOf(flag: string): EntryType | undefined {
  return (Object.keys(TYPE_FLAGS) as EntryType[]).find((type) => TYPE_FLAGS[type] === flag);
}

function sizeOf(field: number, record: ByteName | undefined): number {
  if (record === undefined) return field;
  return /^\d{1,16}$/.test(record) ? Number(record) : NaN;
}

function pathFrom(name: ByteName, type: EntryType, what: string): ByteName {
  const isFolder = name.endsWith('/');
  if (!name.startsWith('./') || isFolder !== (type === 'folder'))
    throw archiveRefused(what, 'its path is not as holdfast writes it');
  return name === './' ? ROOT : name.slice(2, isFolder ? -1 : undefined);
}

const ZEROS = Buffer.alloc(BLOCK);

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}
