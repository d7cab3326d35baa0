/**
 * Snapshots in memory for `locate`: real dumps, cut into segments of a row or a few, which snapshots share where their
 * bytes are the same. Nothing is sealed: the "store" holds plaintext, and "opening" a range takes the segments out of it.
 */
import { createHash } from 'node:crypto';
import type { CatalogEntry } from '../../src/repository/catalog.ts';
import type { Manifest, ManifestStream } from '../../src/repository/manifest.ts';
import { formatRef, type SegmentRef } from '../../src/repository/pages.ts';
import { formatSidecar } from '../../src/repository/sidecar.ts';
import type { SegmentPool } from '../../src/segments/pool.ts';
import type { Dump, Source } from '../../src/sources/source.ts';
import type { ReadStore } from '../../src/stores/store.ts';
import { applyEdit } from '../../src/purge/rewrite/edit.ts';
import type { SnapshotInput } from '../../src/purge/locate/prepare.ts';
import type { LocatedSnapshot } from '../../src/purge/locate/located.ts';

const SIGNAL = new AbortController().signal;
const PACK = `030/${'0'.repeat(16)}`;

/** A store whose one pack grows, and a pool that opens nothing. */
export class PlainStore {
  /** Segments that were read, by offset. */
  readonly opened: number[] = [];
  readonly #parts: Buffer[] = [];
  readonly #known = new Map<string, SegmentRef>();
  #bytes = 0;

  readonly store = {
    get: (_key: string, range?: { offset: number; length: number }) => {
      const { offset, length } = range ?? { offset: 0, length: this.#bytes };
      return Promise.resolve(Buffer.concat(this.#parts).subarray(offset, offset + length));
    },
  } as unknown as ReadStore;

  readonly pool: Pick<SegmentPool, 'open'> = {
    open: ({ range, segments }) => {
      const parts = segments.map(({ at, length }) => range.subarray(at, at + length));
      return Promise.resolve(Buffer.concat(parts));
    },
  };

  /** The same bytes are the same segment. */
  put(plain: Buffer, rows: number): SegmentRef {
    const sha256 = createHash('sha256').update(plain).digest('hex');
    const known = this.#known.get(sha256);
    if (known !== undefined) return known;
    const ref = {
      pack: PACK,
      offset: this.#bytes,
      length: plain.length,
      sha256,
      plain: plain.length,
      rows,
      key: '0'.repeat(64),
    };
    this.#parts.push(Buffer.from(plain));
    this.#bytes += plain.length;
    this.#known.set(sha256, ref);
    return ref;
  }
}

/** Takes a snapshot of a source. */
export async function snapshotOf(source: Source, plain: PlainStore, name: string): Promise<SnapshotInput> {
  const info = await source.probe(SIGNAL);
  await using dump = await source.dump(SIGNAL);
  const streams: ManifestStream[] = [];
  const refs: SegmentRef[] = [];
  for (const lane of dump.lanes) {
    for await (const { bytes, ...about } of lane) {
      const text = Buffer.concat(await Array.fromAsync(bytes));
      const own = cut(text).map((piece) => plain.put(piece, lineEnds(piece)));
      refs.push(...own);
      streams.push({ ...about, segments: own.length, bytes: text.length, rows: 0 });
    }
  }
  const lines = refs.map(formatRef).join('');
  const page = plain.put(Buffer.from(`{"format":1,"kind":"page"}\n${lines}`), 0);
  const manifest = {
    binding: { set: 'shop', writer: 'db1', chain: 1, snapshot: name },
    source: info,
    streams,
    pages: [{ ...page, rows: refs.length }],
    sidecar: [plain.put(sidecarOf(dump), 0)],
  } as unknown as Manifest;
  return { item: { entry: { snapshot: name } } as unknown as CatalogEntry, manifest };
}

function sidecarOf({ schema }: Dump): Buffer {
  return formatSidecar({ schema });
}

/** After about every second line, as its bytes say: what stays the same is cut the same. */
function cut(text: Buffer): readonly Buffer[] {
  const pieces: Buffer[] = [];
  let start = 0;
  for (let end = text.indexOf(10) + 1; end > 0; end = text.indexOf(10, end) + 1) {
    const line = text.subarray(text.lastIndexOf(10, end - 2) + 1, end);
    if ((createHash('sha256').update(line).digest()[0] ?? 0) % 2 === 0) continue;
    pieces.push(text.subarray(start, end));
    start = end;
  }
  if (start < text.length) pieces.push(text.subarray(start));
  return pieces;
}

function lineEnds(piece: Buffer): number {
  return piece.toString('latin1').split('\n').length - 1;
}

/** The script of a snapshot after its edits. */
export async function editedScript(
  { manifest, streams }: LocatedSnapshot,
  readSegments: (stream: ManifestStream) => Promise<readonly Buffer[]>,
): Promise<ReadonlyMap<string, Buffer>> {
  const texts = new Map<string, Buffer>();
  for (const stream of manifest.streams) {
    const segments = await readSegments(stream);
    const located = streams.get(stream.name);
    const parts: Buffer[] = [];
    for (let at = 0; at < segments.length;) {
      const edit = located?.units.get(at);
      const length = edit?.unit.segments.length ?? 1;
      const plain = Buffer.concat(segments.slice(at, at + length));
      parts.push(edit === undefined || located === undefined ? plain : applyEdit(plain, edit, located.codec));
      at += length;
    }
    texts.set(stream.name, Buffer.concat(parts));
  }
  return texts;
}
