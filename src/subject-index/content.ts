/** What one index object says, before it is written and after it was read. */
import type { IndexedMatch, StreamPlan } from './plan.ts';
import type { SegmentKeys } from './read-keys.ts';
import { HASH_BITS, SEGMENTS_MAX, encodeHashes, type HashBlocks } from './hash-blocks.ts';
import { encodeRuns, type RunBlock } from './run-blocks.ts';

/** Where an indexed segment lies within its chain. */
export interface IndexedPlace {
  /** `NNN/ID`. */
  readonly pack: string;
  readonly offset: number;
}

/** Segments by their numbers; undefined where a purge has taken one out. */
export type NumberedPlaces = readonly (IndexedPlace | undefined)[];

export interface IndexContent {
  /** 8 bytes, hex. */
  readonly hashKey: string;
  readonly tables: readonly TableContent[];
}

/** As it was read: with the keys of each segment. */
export interface ReadContent {
  readonly hashKey: string;
  readonly tables: readonly ReadTable[];
}

export interface ReadTable {
  readonly table: string;
  readonly segments: NumberedPlaces;
  readonly columns: readonly ColumnContent[];
}

export interface TableContent {
  /** As `TableSchema.name`. */
  readonly table: string;
  readonly segments: NumberedPlaces;
  readonly columns: readonly (ColumnContent | EncodedColumn)[];
}

/** A comparison as its blocks, ready to be sealed. */
export interface EncodedColumn {
  readonly match: IndexedMatch;
  readonly hashes: HashBlocks;
  readonly runs: readonly RunBlock[];
}

export interface ColumnContent {
  readonly match: IndexedMatch;
  /** How many of the upper bits of each hash are known. */
  readonly bits: number;
  /** In the order of the table's segments. */
  readonly keys: readonly SegmentKeys[];
}

/** Entries of one object at most: some 10 MiB of it, and four times as much memory until it is written. */
const ENTRIES_MAX = 4 * 1024 * 1024;

interface OpenTable {
  readonly segments: IndexedPlace[];
  readonly columns: readonly OpenColumn[];
}

/** The hashes of many segments in one piece of memory: thousands of small ones keep the garbage collector busy. */
class OpenColumn {
  readonly match: IndexedMatch;
  #hashes = new Uint32Array(4096);
  #end = 0;
  /** Of each segment: its runs, or where its hashes end. */
  readonly #segments: (number | Float64Array)[] = [];

  constructor(match: IndexedMatch) {
    this.match = match;
  }

  add(keys: SegmentKeys): void {
    if (keys.kind === 'runs') {
      this.#segments.push(keys.runs);
      return;
    }
    const end = this.#end + keys.hashes.length;
    if (end > this.#hashes.length) {
      const more = new Uint32Array(Math.max(end, this.#hashes.length * 2));
      more.set(this.#hashes.subarray(0, this.#end));
      this.#hashes = more;
    }
    this.#hashes.set(keys.hashes, this.#end);
    this.#end = end;
    this.#segments.push(end);
  }

  /** Its blocks; the hashes themselves are given up. */
  encode(): EncodedColumn {
    const encoded = encodeColumn(this.#content());
    this.#hashes = new Uint32Array(0);
    return encoded;
  }

  #content(): ColumnContent {
    let start = 0;
    const keys = this.#segments.map((segment): SegmentKeys => {
      if (typeof segment !== 'number') return { kind: 'runs', runs: segment };
      const hashes = this.#hashes.subarray(start, segment);
      start = segment;
      return { kind: 'hashes', hashes };
    });
    return { match: this.match, bits: HASH_BITS, keys };
  }
}

/** The blocks of a comparison. */
export function encodeColumn(column: ColumnContent | EncodedColumn): EncodedColumn {
  if ('hashes' in column) return column;
  const { match, bits, keys } = column;
  const hashes = encodeHashes(
    keys.map((one) => (one.kind === 'hashes' ? one.hashes : undefined)),
    bits,
  );
  return { match, hashes, runs: encodeRuns(keys.map((one) => (one.kind === 'runs' ? one.runs : undefined))) };
}

/** Gathers the keys of new segments until they fill an object. */
export class IndexCollector {
  readonly #hashKey: string;
  readonly #entriesMax: number;
  readonly #tables = new Map<string, OpenTable>();
  #encoded: TableContent[] = [];
  #entries = 0;
  #segments = 0;

  /** @param hashKey - of all plans whose keys are added, hex */
  constructor(hashKey: string, entriesMax = ENTRIES_MAX) {
    this.#hashKey = hashKey;
    this.#entriesMax = entriesMax;
  }

  /** Adds a segment. All segments of one table have the same matches. */
  add(
    { table, matches }: Pick<StreamPlan, 'table' | 'matches'>,
    place: IndexedPlace,
    keys: readonly SegmentKeys[],
  ): void {
    let open = this.#tables.get(table.name);
    if (open === undefined) {
      open = { segments: [], columns: matches.map((match) => new OpenColumn(match)) };
      this.#tables.set(table.name, open);
    }
    open.segments.push(place);
    for (const [at, column] of open.columns.entries()) column.add(keys[at] ?? NOTHING);
    this.#segments += 1;
    for (const one of keys) this.#entries += one.kind === 'hashes' ? one.hashes.length : one.runs.length;
  }

  /**
   * Nothing more comes of the table for now: its blocks are made, while others are still being read. What comes all
   * the same makes a second part of it.
   */
  endTable(name: string): void {
    const table = this.#tables.get(name);
    if (table === undefined) return;
    const columns = table.columns.map((column) => column.encode());
    this.#encoded.push({ table: name, segments: table.segments, columns });
    this.#tables.delete(name);
  }

  get isEmpty(): boolean {
    return this.#segments === 0;
  }

  /** Time to `take`. */
  get isFull(): boolean {
    return this.#entries >= this.#entriesMax || this.#segments >= SEGMENTS_MAX;
  }

  /** What was added since the last time. */
  take(): IndexContent {
    for (const name of [...this.#tables.keys()]) this.endTable(name);
    const tables = this.#encoded;
    this.#encoded = [];
    this.#entries = this.#segments = 0;
    return { hashKey: this.#hashKey, tables };
  }
}

const NOTHING: SegmentKeys = { kind: 'hashes', hashes: new Uint32Array(0) };
