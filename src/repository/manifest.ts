/**
 * The manifest: the sealed root of a snapshot. Plaintext, each line ending in LF, made for a shell to read:
 * - line 1: the header, one JSON object;
 * - `stream SECTION DIALECT SEGMENTS ROWS BYTES {"name":…}` for each stream, in the order of the dump;
 * - `page NNN/PACK OFFSET LENGTH SHA256 PLAIN SEGMENTS KEY` for each key page, in order;
 * - `also …`: lines that a later version may add; readers skip them;
 * - `end STREAMS PAGES`.
 * The segments of all pages, in order, belong to the streams in order: the first SEGMENTS to the first, and so on.
 */
import { z } from 'zod';
import type { Dialect, Section, SourceInfo, StoredStream } from '../sources/source.ts';
import { bindingOf } from './amendment.ts';
import { bindingShape, growthShape, parseWith } from './entry.ts';
import type { Binding } from './entry.ts';
import { boundElsewhere, formatTooNew, malformed } from './errors.ts';
import { formatRef, parseRef } from './pages.ts';
import type { SegmentRef } from './pages.ts';

const KINDS = ['postgres', 'mysql', 'sqlite', 'redis', 'files'] as const satisfies SourceInfo['kind'][];

const headerSchema = z.looseObject({
  kind: z.literal('manifest'),
  ...growthShape,
  ...bindingShape,
  source: z.looseObject({
    kind: z.enum(KINDS),
    database: z.string(),
    serverVersion: z.string(),
    toolVersion: z.string(),
    estimatedBytes: z.number().optional(),
    warnings: z.array(z.string()),
    facts: z.record(z.string(), z.unknown()),
  }),
});

export interface ManifestStream extends StoredStream {
  readonly segments: number;
}

/** A page: a segment reference whose `rows` field counts the segments that it lists. */
export type PageRef = SegmentRef;

export interface Manifest {
  readonly binding: Binding;
  readonly source: SourceInfo;
  readonly streams: readonly ManifestStream[];
  readonly pages: readonly PageRef[];
  /** Segments of the side-car, in order; absent where the run wrote none. */
  readonly sidecar?: readonly SegmentRef[];
  /**
   * Objects of the subject index that know segments of this snapshot: the directory that each ends with. `pack` names
   * the object below the chain's `index/`, `rows` counts the segments that it knows.
   */
  readonly indexes?: readonly SegmentRef[];
}

const SECTIONS: readonly string[] = ['globals', 'pre-data', 'data', 'post-data'] satisfies Section[];
const DIALECTS: readonly string[] = [
  'sql',
  'pg-copy',
  'sql-insert',
  'mysql-insert',
  'redis-restore',
  'json-lines',
  'tar',
] satisfies Dialect[];
const streamNameSchema = z.looseObject({
  name: z.string(),
  table: z.string().optional(),
  columns: z.array(z.string()).optional(),
});

export function formatManifest({
  binding,
  source,
  streams,
  pages,
  sidecar = [],
  indexes = [],
}: Manifest): Buffer {
  const lines = [
    JSON.stringify({ kind: 'manifest', ...binding, source }),
    ...streams.map(formatStream),
    ...pages.map((page) => `page ${formatRef(page).trimEnd()}`),
    ...sidecar.map((segment) => `also sidecar ${formatRef(segment).trimEnd()}`),
    ...indexes.map((index) => `also index ${formatRef(index).trimEnd()}`),
    `end ${streams.length} ${pages.length}`,
  ];
  return Buffer.from(`${lines.join('\n')}\n`, 'utf8');
}

function formatStream(stream: ManifestStream): string {
  const { section, dialect, segments, rows, bytes, name, table } = stream;
  const about = { name, ...(table && { table: table.name, columns: table.columns }) };
  return `stream ${section} ${dialect} ${segments} ${rows} ${bytes} ${JSON.stringify(about)}`;
}

/**
 * Reads a manifest's plaintext.
 * @throws HoldfastError MALFORMED with the line, FORMAT_UNKNOWN
 */
export function parseManifest(plain: Buffer, what: string): Manifest {
  const lines = plain.toString('utf8').split('\n');
  if (lines.pop() !== '') throw malformed(what, 'its last line is cut off');
  const { source, ...header } = parseWith(headerSchema, parseJson(lines[0], what), what);
  const binding = bindingOf(header);
  const streams: ManifestStream[] = [];
  const pages: PageRef[] = [];
  const sidecar: SegmentRef[] = [];
  const indexes: SegmentRef[] = [];
  /** Streams and pages are over. */
  let isBehind = false;
  for (const [index, line] of lines.slice(1, -1).entries()) {
    const where = `${what}, line ${index + 2}`;
    if (line.startsWith('also ')) isBehind = true;
    const isEarly = !isBehind && pages.length === 0;
    if (line.startsWith('stream ') && isEarly) streams.push(parseStream(line.slice(7), where));
    else if (line.startsWith('page ') && !isBehind) pages.push(parseRef(line.slice(5), where));
    else if (line.startsWith('also sidecar ')) sidecar.push(parseRef(line.slice(13), where));
    else if (line.startsWith('also index ')) indexes.push(parseRef(line.slice(11), where));
    else if (!line.startsWith('also ')) throw malformed(where, 'it has no place there');
  }
  if (new Set(streams.map(({ name }) => name)).size !== streams.length)
    throw malformed(what, 'two streams have one name');
  if (lines.at(-1) !== `end ${streams.length} ${pages.length}`)
    throw malformed(what, 'its end line does not fit');
  if (sum(streams, (s) => s.segments) !== sum(pages, (p) => p.rows))
    throw malformed(what, 'streams and pages disagree');
  const { kind, database, serverVersion, toolVersion, warnings, facts, estimatedBytes } = source;
  const info = { kind, database, serverVersion, toolVersion, warnings, facts };
  return {
    binding,
    source: { ...info, ...(estimatedBytes !== undefined && { estimatedBytes }) },
    streams,
    pages,
    ...(sidecar.length > 0 && { sidecar }),
    ...(indexes.length > 0 && { indexes }),
  };
}

const STREAM = /^(\S+) (\S+) (0|[1-9]\d{0,11}) (0|[1-9]\d{0,14}) (0|[1-9]\d{0,14}) (\{.*\})$/s;

function parseStream(line: string, what: string): ManifestStream {
  const match = STREAM.exec(line);
  if (!match) throw malformed(what, 'it does not have the six fields of a stream');
  const [, section = '', dialect = '', segments, rows, bytes, about = ''] = match;
  if (!SECTIONS.includes(section) || !DIALECTS.includes(dialect))
    throw formatTooNew(what, `${section} ${dialect}`);
  const { name, table, columns } = parseWith(streamNameSchema, parseJson(about, what), what);
  return {
    name,
    section: section as Section,
    dialect: dialect as Dialect,
    ...(table !== undefined && { table: { name: table, columns: columns ?? [] } }),
    segments: Number(segments),
    rows: Number(rows),
    bytes: Number(bytes),
  };
}

function parseJson(text: string | undefined, what: string): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    throw malformed(what, 'it is not JSON');
  }
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/**
 * Compares what a manifest states with what its entry states.
 * @throws HoldfastError BOUND_ELSEWHERE naming the first field that differs
 */
export function checkBinding(manifest: Binding, entry: Binding, what: string): void {
  for (const field of Object.keys(bindingShape) as (keyof Binding)[]) {
    const found = JSON.stringify(manifest[field]);
    const expected = JSON.stringify(entry[field]);
    if (found !== expected) throw boundElsewhere(what, field, expected, found);
  }
}
