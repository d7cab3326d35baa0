/**
 * The list that goes along with an archive: a JSON line for each entry, in the order of the archive. With it one path
 * is found and restored without reading the rest.
 */
import { z } from 'zod';
import type { Schema } from '../../sources/schema.ts';
import type { StoredStream, TableInfo } from '../../sources/source.ts';
import type { Entry } from './entry.ts';
import { archiveRefused } from './errors.ts';
import { fromBytes, fromText, pathProblem, ROOT, toBytes, toText, type ByteName } from './names.ts';
import { formatTime } from './tar-header.ts';

/** A line of the list. */
export interface Listed extends Entry {
  /** Where its first header begins in the archive, in bytes: as far as all before it are long. */
  readonly offset: number;
  /** Headers, content and padding, in bytes. */
  readonly length: number;
  /** It was written to while it was read: its content is of no single moment. */
  readonly changed?: true;
}

/** The name of the stream, and of the table that `--table` takes. */
export const LIST_NAME = 'files';
/** The name of the archive's stream. */
export const ARCHIVE_NAME = 'archive';

/** How a manifest describes the list. */
export const LIST_TABLE: TableInfo = {
  name: LIST_NAME,
  columns: [
    ...['path', 'type', 'size', 'mode', 'uid', 'gid', 'user', 'group', 'mtime', 'target', 'device'],
    ...['sparse', 'changed', 'length'],
  ],
};

const TEXTS = new Set(['path', 'type', 'mode', 'user', 'group', 'mtime', 'target']);

/** The list as a table, which a subject map speaks of. */
export const LIST_SCHEMA: Schema = {
  tables: [
    {
      name: LIST_NAME,
      columns: LIST_TABLE.columns.map((name) => ({
        name,
        type: TEXTS.has(name) ? 'text' : 'json',
        nullable: name !== 'path',
        generated: false,
      })),
      primaryKey: ['path'],
      uniques: [],
      foreignKeys: [],
    },
  ],
};

/** The line of an entry. A name that is not UTF-8 stands there in base64, under `path64` or `target64`. */
export function formatLine(listed: Omit<Listed, 'offset'>): string {
  const { path, type, size, mode, uid, gid, user, group, mtime, target, device, sparse, changed } = listed;
  return `${JSON.stringify({
    ...nameFields('path', path),
    type,
    size,
    mode: mode.toString(8).padStart(4, '0'),
    uid,
    gid,
    user,
    group,
    mtime: formatTime(mtime),
    ...(target !== undefined && nameFields('target', target)),
    ...(device && { device: [device.major, device.minor] }),
    ...(sparse && { sparse }),
    ...(changed && { changed }),
    length: listed.length,
  })}\n`;
}

function nameFields(key: string, name: ByteName): Record<string, string> {
  const text = toText(name);
  return text === undefined ? { [`${key}64`]: toBytes(name).toString('base64') } : { [key]: text };
}

const count = z.int().min(0);
const id = count.max(0xffffffff);
const TIME = /^(-?)(\d{1,15})\.(\d{9})$/;
const lineSchema = z.object({
  path: z.string().optional(),
  path64: z.base64().optional(),
  type: z.enum(['file', 'folder', 'symlink', 'link', 'fifo', 'char', 'block']),
  size: count,
  mode: z.string().regex(/^[0-7]{4}$/),
  uid: id,
  gid: id,
  user: z.string().max(1024),
  group: z.string().max(1024),
  mtime: z.string().regex(TIME),
  target: z.string().optional(),
  target64: z.base64().optional(),
  device: z.tuple([id, id]).optional(),
  sparse: z.literal(true).optional(),
  changed: z.literal(true).optional(),
  length: count,
});

/**
 * Reads the lines of a list. What a path says is checked here, once for everybody. Where an entry begins follows from
 * those before it: lines of older dumps state it, which is wrong behind an entry that a purge has taken out.
 * @throws HoldfastError FILES_ARCHIVE_REFUSED
 */
export async function* parseLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<Listed> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  let offset = 0;
  for await (const piece of pieces) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, piece]) : piece;
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      const listed = parseLine(bytes.toString('utf8', start, end), ++line);
      yield { ...listed, offset };
      offset += listed.length;
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > LINE_BYTES_MAX) throw archiveRefused(`line ${line + 1} of its list`, 'it is too long');
  }
  if (rest.length > 0) throw archiveRefused(`line ${line + 1} of its list`, 'it is cut off');
}

/** A path and a target of 64 KiB each, in JSON. */
const LINE_BYTES_MAX = 1024 * 1024;

/** The line without its LF. */
export function parseLine(text: string, number: number): Omit<Listed, 'offset'> {
  const what = `line ${number} of its list`;
  const found = lineSchema.safeParse(jsonOf(text));
  if (!found.success) throw archiveRefused(what, found.error.issues[0]?.message ?? 'it is no entry');
  const { path, path64, target, target64, mode, mtime, device, sparse, changed, ...plain } = found.data;
  const name = nameFrom(path, path64);
  if (name === undefined) throw archiveRefused(what, 'it has no path');
  const to = nameFrom(target, target64);
  checkNames(what, plain.type, name, to);
  return {
    ...plain,
    path: name,
    mode: parseInt(mode, 8),
    mtime: parseTime(mtime),
    ...(to !== undefined && { target: to }),
    ...(device && { device: { major: device[0], minor: device[1] } }),
    ...(sparse && { sparse }),
    ...(changed && { changed }),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function nameFrom(text: string | undefined, base64: string | undefined): ByteName | undefined {
  if (text !== undefined) return fromText(text);
  return base64 === undefined ? undefined : fromBytes(Buffer.from(base64, 'base64'));
}

/** Where a link leads to is the link's business; where a further name of a file leads to is ours. */
export function checkNames(what: string, type: Listed['type'], path: ByteName, target?: ByteName): void {
  const problem =
    pathProblem(path) ?? (path === ROOT && type !== 'folder' ? 'it is the root and no folder' : undefined);
  if (problem !== undefined) throw archiveRefused(what, `${problem} (its path)`);
  const isLink = type === 'link' || type === 'symlink';
  if (isLink !== (target !== undefined))
    throw archiveRefused(what, isLink ? 'it has no target' : 'it has a target');
  if (target === undefined) return;
  const wrong = type === 'link' ? pathProblem(target) : symlinkProblem(target);
  if (wrong !== undefined || target === path)
    throw archiveRefused(what, `${wrong ?? 'it leads to itself'} (its target)`);
}

function symlinkProblem(target: ByteName): string | undefined {
  if (target === '') return 'it is empty';
  return target.includes('\0') ? 'it holds a zero byte' : undefined;
}

/** Nanoseconds of what `formatTime` wrote. */
function parseTime(text: string): bigint {
  const [, minus = '', seconds = '0', fraction = '0'] = TIME.exec(text) ?? [];
  const size = BigInt(seconds) * 1_000_000_000n + BigInt(fraction);
  return minus === '' ? size : -size;
}

/** The two streams of a stored dump of files. */
export function streamsOf(streams: readonly StoredStream[]): { archive: StoredStream; list: StoredStream } {
  const archive = streams.find(({ name, dialect }) => name === ARCHIVE_NAME && dialect === 'tar');
  const list = streams.find(({ name, dialect }) => name === LIST_NAME && dialect === 'json-lines');
  if (!archive || !list || streams.length !== 2)
    throw archiveRefused('its streams', 'they are not an archive and its list');
  return { archive, list };
}
