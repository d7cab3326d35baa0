/**
 * An archive and its list without some of the files. What is left reads as if they had never been there, with one
 * difference: a further name of a file that goes, and that does not go itself, becomes the file.
 */
import type { ByteRange } from '../../sources/source.ts';
import { ByteFlow } from './byte-flow.ts';
import { archiveRefused } from './errors.ts';
import type { Listed } from './list.ts';
import { display, folderOf, ROOT, type ByteName } from './names.ts';
import { ARCHIVE_END, formatHeader, paddingOf, type Attributes } from './tar-header.ts';
import { checkAgainst, readHeader } from './tar-reader.ts';

/** A line of the list, and where its reader has found it. */
export interface PlacedLine<P> {
  readonly listed: Listed;
  readonly place: P;
}

/** Bytes of the archive as it was (`isMoved`: they are somewhere else now), or the header of an entry that is another one. */
export type ArchivePiece = (ByteRange & { readonly isMoved?: true }) | Buffer;

/** A line that says something else now. */
export interface ChangedLine<P> extends PlacedLine<P> {
  readonly after: Omit<Listed, 'offset'>;
}

export interface FilesLeft<P> {
  /** All of the archive that is left, in order. */
  readonly pieces: readonly ArchivePiece[];
  /** How long that is. */
  readonly bytes: number;
  readonly gone: readonly PlacedLine<P>[];
  /** Folders that would go, and stay for what stays in them. */
  readonly kept: readonly PlacedLine<P>[];
  readonly changed: readonly ChangedLine<P>[];
}

/** The archive's stream. */
export interface StoredArchive {
  readonly bytes: number;
  /** These bytes, joined; in ascending order. */
  readonly read: (ranges: readonly ByteRange[]) => AsyncIterable<Buffer>;
}

/**
 * Finds out what is left. Of the archive only the headers of what goes or changes are read: each must be where the list
 * says, and say the same.
 *
 * @param lines - the whole list; memory grows with what goes
 * @param isGone - a folder in which anything stays that is not gone stays too, and so does the root
 * @throws HoldfastError FILES_ARCHIVE_REFUSED when archive and list speak of different things
 */
export async function leaveFilesOut<P>(
  lines: AsyncIterable<PlacedLine<P>>,
  isGone: (path: ByteName) => boolean,
  archive: StoredArchive,
): Promise<FilesLeft<P>> {
  const found = await findTouched(lines, isGone);
  if (found.end + ARCHIVE_END.length !== archive.bytes)
    throw archiveRefused('its list', `it speaks of ${found.end} of ${archive.bytes} bytes`);
  const attributes = await readTouched(found.touched, archive);
  const pieces = new Pieces();
  const changed: ChangedLine<P>[] = [];
  const heirs = new Map<ByteName, ByteName>();
  for (const { listed, place, original } of found.touched) {
    pieces.until(listed.offset);
    pieces.skip(listed.length);
    if (!original) continue;
    const heir = heirs.get(original.path);
    heirs.set(original.path, heir ?? listed.path);
    const entry = heir === undefined ? { ...original, path: listed.path } : { ...listed, target: heir };
    const header = formatHeader(entry, heir === undefined ? attributes.get(original.path) : undefined);
    pieces.add(header);
    if (heir === undefined) pieces.add({ ...contentOf(original), isMoved: true });
    changed.push({ listed, place, after: { ...entry, length: header.length + contentOf(entry).length } });
  }
  pieces.until(archive.bytes);
  const gone = found.touched.filter(({ original }) => original === undefined);
  return { pieces: pieces.all, bytes: pieces.bytes, gone, kept: found.kept, changed };
}

/** An entry that goes, or (with its original) the further name of one that goes. */
interface Touched<P> extends PlacedLine<P> {
  readonly original?: Listed;
}

async function findTouched<P>(
  lines: AsyncIterable<PlacedLine<P>>,
  isGone: (path: ByteName) => boolean,
): Promise<{
  readonly touched: readonly Touched<P>[];
  readonly kept: readonly PlacedLine<P>[];
  readonly end: number;
}> {
  const touched: Touched<P>[] = [];
  const files = new Map<ByteName, Listed>();
  const folders = new Set<ByteName>();
  let end = 0;
  for await (const { listed, place } of lines) {
    end = listed.offset + listed.length;
    if (isGone(listed.path)) {
      touched.push({ listed, place });
      if (listed.type === 'file') files.set(listed.path, listed);
      if (listed.type === 'folder' && listed.path !== ROOT) folders.add(listed.path);
      continue;
    }
    for (let up = folderOf(listed.path); up !== undefined && folders.delete(up); up = folderOf(up));
    const original = listed.type === 'link' ? files.get(listed.target ?? '') : undefined;
    if (original) touched.push({ listed, place, original });
  }
  const stays = ({ listed }: Touched<P>) => listed.type === 'folder' && !folders.has(listed.path);
  return { touched: touched.filter((one) => !stays(one)), kept: touched.filter(stays), end };
}

/** Reads their headers. @returns the attributes of the files among them */
async function readTouched(
  touched: readonly Touched<unknown>[],
  archive: StoredArchive,
): Promise<ReadonlyMap<ByteName, Attributes>> {
  const attributes = new Map<ByteName, Attributes>();
  const ranges = touched.map(({ listed }) => headerOf(listed));
  await using flow = new ByteFlow(archive.read(ranges));
  for (const { listed } of touched) {
    const start = flow.position;
    const header = await readHeader(flow);
    checkAgainst(listed, header);
    if (flow.position - start !== headerOf(listed).length)
      throw archiveRefused(display(listed.path), 'its header is not as long as the list says');
    if (listed.type === 'file' && header) attributes.set(listed.path, header.attributes);
  }
  return attributes;
}

function headerOf(listed: Listed): ByteRange {
  return { offset: listed.offset, length: listed.length - listed.size - paddingOf(listed.size) };
}

/** With its padding. */
function contentOf({ size, length, offset }: Listed): ByteRange {
  const content = size + paddingOf(size);
  return { offset: offset + length - content, length: content };
}

/** Puts an archive together again. */
class Pieces {
  readonly all: ArchivePiece[] = [];
  bytes = 0;
  #at = 0;

  /** Takes all up to this byte as it is. */
  until(end: number): void {
    if (end > this.#at) this.add({ offset: this.#at, length: end - this.#at });
    this.#at = end;
  }

  skip(length: number): void {
    this.#at += length;
  }

  add(piece: ArchivePiece): void {
    if (piece.length === 0) return;
    this.bytes += piece.length;
    this.all.push(piece);
  }
}
