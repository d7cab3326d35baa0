/**
 * The directory of an index object: which segments it knows, and where its blocks lie. Plaintext, each line ending
 * in LF:
 * - `{"format":1,"kind":"index","hash":KEY}`: 8 bytes in hex under which keys were hashed;
 * - `table NAME` (a JSON text) for each table, and after it
 * - `pack NNN/ID OFFSET OFFSET…` for its segments, numbered from 0 in this order; each offset is the distance from the
 *   one before in the same line; `-` in place of an offset is a number that stands for no segment any more;
 * - `column BITS BLOCKS RUNS MATCH` for each comparison: bits of each hash, number of blocks of either kind, and what
 *   is compared (JSON), and after it
 * - `block LENGTH SHA256 PLAIN ENTRIES` for each of its blocks, those with hashes first; one that lies in another object
 *   of the chain has `OBJECT OFFSET KEY` behind it;
 * - `end TABLES`.
 * The other blocks lie in the object itself, in the order of their lines, from its first byte on.
 */
import { z } from 'zod';
import { SEGMENT_PLAIN_BYTES_MAX } from '../openpgp/segment.ts';
import { malformed } from '../repository/errors.ts';
import { FORMAT, PACK_REF } from '../repository/layout.ts';
import { CANONICAL_FORMS } from '../subjects/canonical.ts';
import type { IndexedPlace, NumberedPlaces } from './content.ts';
import { HASH_BITS, SEGMENTS_MAX } from './hash-blocks.ts';
import type { IndexedMatch } from './plan.ts';

export interface IndexDirectory {
  readonly hashKey: string;
  readonly tables: readonly DirectoryTable[];
}

export interface DirectoryTable {
  readonly table: string;
  readonly segments: NumberedPlaces;
  readonly columns: readonly DirectoryColumn[];
}

export interface DirectoryColumn {
  readonly match: IndexedMatch;
  /** Of each hash; 0 when there are no hashes. */
  readonly bits: number;
  readonly hashes: readonly SealedBlock[];
  readonly runs: readonly SealedBlock[];
}

export interface SealedBlock {
  /** Its place among all blocks of the directory: its key is made from it. */
  readonly number: number;
  /** Where it is, unless in the directory's own object. */
  readonly elsewhere?: BlockPlace;
  /** In the object that it lies in. */
  readonly offset: number;
  /** Sealed bytes. */
  readonly length: number;
  /** Of the sealed bytes, hex. */
  readonly sha256: string;
  /** Bytes of plaintext. */
  readonly plain: number;
  readonly entries: number;
}

/** Another object of the same chain, by `NNN/ID`, and the key of the one block. */
export interface BlockPlace {
  readonly object: string;
  /** 32 bytes, hex. */
  readonly key: string;
}

export function formatDirectory({ hashKey, tables }: IndexDirectory): Buffer {
  const lines = [JSON.stringify({ format: FORMAT, kind: 'index', hash: hashKey })];
  for (const { table, segments, columns } of tables) {
    lines.push(`table ${JSON.stringify(table)}`, ...packLines(segments));
    for (const { match, bits, hashes, runs } of columns) {
      lines.push(`column ${bits} ${hashes.length} ${runs.length} ${JSON.stringify(match)}`);
      lines.push(...[...hashes, ...runs].map(blockLine));
    }
  }
  lines.push(`end ${tables.length}`);
  return Buffer.from(`${lines.join('\n')}\n`);
}

function blockLine({ length, sha256, plain, entries, offset, elsewhere }: SealedBlock): string {
  const line = `block ${length} ${sha256} ${plain} ${entries}`;
  return elsewhere === undefined ? line : `${line} ${elsewhere.object} ${offset} ${elsewhere.key}`;
}

function packLines(segments: NumberedPlaces): readonly string[] {
  const lines: string[][] = [];
  let [pack, at] = ['', 0];
  for (const place of segments) {
    if (place === undefined) {
      // Of which pack does not matter.
      if (lines.length === 0) lines.push([`pack ${NO_PACK}`]);
      lines.at(-1)?.push('-');
      continue;
    }
    if (place.pack !== pack || place.offset < at) {
      lines.push([`pack ${place.pack}`]);
      [pack, at] = [place.pack, 0];
    }
    lines.at(-1)?.push(String(place.offset - at));
    at = place.offset;
  }
  return lines.map((parts) => parts.join(' '));
}

/** A line for numbers without a segment has to name some pack. */
const NO_PACK = '001/0000000000000000';

const headSchema = z.strictObject({
  format: z.literal(FORMAT),
  kind: z.literal('index'),
  hash: z.string().regex(/^[0-9a-f]{16}$/),
});

const comparisonsSchema = z.array(
  z.strictObject({
    form: z.enum(CANONICAL_FORMS),
    kind: z.enum(['exact', 'number', 'padded', 'folded']),
  }),
);
const matchSchema = z.union([
  z.strictObject({ columns: z.array(z.string()).min(1), comparisons: comparisonsSchema }),
  z.strictObject({ json: z.string(), path: z.string(), comparisons: comparisonsSchema }),
]);

const BLOCK =
  /^(\d{1,8}) ([0-9a-f]{64}) (\d{1,7}) (\d{1,8})(?: (\d{3,4}\/[0-9a-f]{16}) (\d{1,10}) ([0-9a-f]{64}))?$/;

/**
 * Reads a directory.
 * @param objectBytes - of the whole object: no block lies outside
 * @throws HoldfastError MALFORMED with the line
 */
export function parseDirectory(plain: Buffer, objectBytes: number, what: string): IndexDirectory {
  const lines = plain.toString('utf8').split('\n');
  if (lines.pop() !== '') throw malformed(what, 'its last line is cut off');
  const reader = new DirectoryReader(lines, objectBytes, what);
  return reader.read();
}

interface OpenColumn {
  readonly match: IndexedMatch;
  readonly bits: number;
  readonly hashes: SealedBlock[];
  readonly runs: SealedBlock[];
  readonly hashBlocks: number;
  readonly runBlocks: number;
}

interface OpenTable {
  readonly table: string;
  readonly segments: (IndexedPlace | undefined)[];
  readonly columns: OpenColumn[];
}

class DirectoryReader {
  readonly #lines: readonly string[];
  readonly #objectBytes: number;
  readonly #what: string;
  readonly #tables: OpenTable[] = [];
  #at = 0;
  #blocks = 0;
  #offset = 0;

  constructor(lines: readonly string[], objectBytes: number, what: string) {
    this.#lines = lines;
    this.#objectBytes = objectBytes;
    this.#what = what;
  }

  read(): IndexDirectory {
    const head = headSchema.safeParse(this.#json(this.#lines[0] ?? ''));
    if (!head.success) throw this.#malformed('it is not the head of an index');
    for (this.#at = 1; this.#at < this.#lines.length - 1; this.#at++) this.#line(this.#lines[this.#at] ?? '');
    this.#endColumn();
    if (this.#lines[this.#at] !== `end ${this.#tables.length}`)
      throw this.#malformed('its end line does not fit');
    return { hashKey: head.data.hash, tables: this.#tables };
  }

  #line(line: string): void {
    const space = line.indexOf(' ');
    const [word, rest] = [line.slice(0, space), line.slice(space + 1)];
    const table = this.#tables.at(-1);
    const column = table?.columns.at(-1);
    if (word === 'table') this.#table(rest);
    else if (word === 'pack' && table && !column) this.#pack(rest, table);
    else if (word === 'column' && table) this.#column(rest, table);
    else if (word === 'block' && column) this.#block(rest, column);
    else throw this.#malformed('it is none of the lines of an index');
  }

  #table(rest: string): void {
    this.#endColumn();
    const table = this.#json(rest);
    if (typeof table !== 'string') throw this.#malformed('it names no table');
    this.#tables.push({ table, segments: [], columns: [] });
  }

  #pack(rest: string, { segments }: OpenTable): void {
    const [pack = '', ...places] = rest.split(' ');
    if (!PACK_REF.test(pack)) throw this.#malformed('it names no pack');
    let offset = 0;
    for (const place of places) {
      if (place === '-') {
        segments.push(undefined);
        continue;
      }
      if (!/^\d{1,10}$/.test(place)) throw this.#malformed('it has a place that is none');
      offset += Number(place);
      segments.push({ pack, offset });
    }
    if (segments.length > SEGMENTS_MAX) throw this.#malformed('it has more segments than an index may have');
  }

  #column(rest: string, { columns }: OpenTable): void {
    this.#endColumn();
    const parts = /^(\d{1,2}) (\d{1,6}) (\d{1,6}) (\{.*\})$/s.exec(rest);
    const match = matchSchema.safeParse(this.#json(parts?.[4] ?? ''));
    const [bits, hashBlocks, runBlocks] = [Number(parts?.[1]), Number(parts?.[2]), Number(parts?.[3])];
    const isPower = (hashBlocks & (hashBlocks - 1)) === 0;
    if (!match.success || !isPower || bits > HASH_BITS || hashBlocks > 2 ** bits)
      throw this.#malformed('it does not have the four fields of a column');
    columns.push({ match: match.data, bits, hashes: [], runs: [], hashBlocks, runBlocks });
  }

  #block(rest: string, column: OpenColumn): void {
    const [, length, sha256 = '', plain, entries, object, offset, key = ''] = BLOCK.exec(rest) ?? [];
    if (length === undefined || Number(plain) > SEGMENT_PLAIN_BYTES_MAX)
      throw this.#malformed('it does not have the fields of a block');
    // An entry has a bit at least.
    if (Number(entries) > Number(plain) * 8) throw this.#malformed('it has more entries than fit');
    const block = {
      number: this.#blocks++,
      length: Number(length),
      sha256,
      plain: Number(plain),
      entries: Number(entries),
    };
    (column.hashes.length < column.hashBlocks ? column.hashes : column.runs).push(
      object === undefined
        ? { ...block, offset: this.#next(block.length) }
        : { ...block, offset: Number(offset), elsewhere: { object, key } },
    );
  }

  /** Where a block of the object itself begins. */
  #next(length: number): number {
    const offset = this.#offset;
    this.#offset += length;
    if (this.#offset > this.#objectBytes) throw this.#malformed('its block lies outside of the object');
    return offset;
  }

  #endColumn(): void {
    const column = this.#tables.at(-1)?.columns.at(-1);
    if (!column) return;
    if (column.hashes.length !== column.hashBlocks || column.runs.length !== column.runBlocks)
      throw this.#malformed('the blocks before it are not as many as announced');
  }

  #json(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.#malformed('it is not JSON');
    }
  }

  #malformed(why: string): Error {
    return malformed(`${this.#what}, line ${this.#at + 1}`, why);
  }
}
