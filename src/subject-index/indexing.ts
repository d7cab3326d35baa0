/**
 * The subject index of a run, of a backup or a purge: what is sealed anew is indexed on the way, as the subject map
 * says, and the index goes to the store after the packs and before the manifest.
 */
import { randomBytes } from 'node:crypto';
import { HASH_KEY_BYTES } from './half-siphash.ts';
import { IndexCollector } from './content.ts';
import type { IndexContent } from './content.ts';
import { indexedMatches, type IndexedMatch, type StreamPlan } from './plan.ts';
import type { SegmentKeys } from './read-keys.ts';
import { INDEX_KEY_BYTES, sealIndex } from './seal.ts';
import type { SealBlock } from './seal.ts';
import type { KnownIndex } from '../repository/index-state.ts';
import { indexKey, packRef } from '../repository/layout.ts';
import type { ChainPlace } from '../repository/layout.ts';
import type { Schema, TableSchema } from '../sources/schema.ts';
import type { SourceInfo, StreamInfo } from '../sources/source.ts';
import type { TextEncoding } from '../rows/sqlite-literals.ts';
import type { Store } from '../stores/store.ts';
import type { SubjectMap } from '../subjects/map.ts';

export interface IndexingOptions {
  readonly map: SubjectMap;
  /** Of the dump. */
  readonly schema: Schema;
  readonly info: Pick<SourceInfo, 'kind' | 'facts'>;
  readonly store: Store;
  readonly place: ChainPlace;
  readonly packDays: number;
  readonly seal: SealBlock;
  readonly signal: AbortSignal;
}

/** How a stream is indexed, as one text that is sent along with each segment. */
export interface StreamIndexing {
  readonly table: StreamPlan['table'];
  readonly matches: readonly IndexedMatch[];
  readonly plan: string;
}

export interface FinishedIndexes {
  readonly indexes: readonly KnownIndex[];
  /** Bytes that were put. */
  readonly bytes: number;
}

export class RunIndexing {
  readonly #options: IndexingOptions;
  readonly #matches: ReadonlyMap<string, readonly IndexedMatch[]>;
  readonly #tables: ReadonlyMap<string, TableSchema>;
  readonly #hashKey = randomBytes(HASH_KEY_BYTES).toString('hex');
  readonly #collector = new IndexCollector(this.#hashKey);
  readonly #done: KnownIndex[] = [];
  /** Objects that are being made, one after the other: each takes memory. */
  #making: Promise<void> = Promise.resolve();
  #bytes = 0;

  private constructor(options: IndexingOptions, matches: ReadonlyMap<string, readonly IndexedMatch[]>) {
    this.#options = options;
    this.#matches = matches;
    this.#tables = new Map(options.schema.tables.map((table) => [table.name, table]));
  }

  /** Undefined where nothing can be indexed: another kind of source, or a map that does not fit the schema. */
  static begin(options: IndexingOptions): RunIndexing | undefined {
    const { map, schema, info } = options;
    try {
      return new RunIndexing(options, indexedMatches(map, schema, info.kind));
    } catch {
      // A backup has said already what the map does not cover; without an index a purge looks through everything.
      return undefined;
    }
  }

  /** How the segments of a stream are indexed; undefined: not at all. */
  of({ dialect, table }: StreamInfo): StreamIndexing | undefined {
    if (table === undefined || dialect === 'sql') return undefined;
    const schema = this.#tables.get(table.name);
    if (schema === undefined) return undefined;
    const matches = (this.#matches.get(table.name) ?? []).filter((match) =>
      ('json' in match ? [match.json] : match.columns).every((column) => table.columns.includes(column)),
    );
    if (matches.length === 0) return undefined;
    const encoding = this.#options.info.facts.encoding as TextEncoding | undefined;
    const plan: StreamPlan = {
      dialect,
      table,
      schema,
      ...(encoding !== undefined && { encoding }),
      matches,
      hashKey: this.#hashKey,
    };
    return { table, matches, plan: JSON.stringify(plan) };
  }

  /** Takes the keys of a segment that was put into a pack. */
  add(stream: StreamIndexing, pack: string, offset: number, keys: readonly SegmentKeys[]): void {
    this.#collector.add(stream, { pack, offset }, keys);
    if (this.#collector.isFull) this.#make(this.#collector.take());
  }

  /** All segments of a stream have been added. */
  end({ table }: StreamIndexing): void {
    this.#collector.endTable(table.name);
  }

  /** Puts the rest, and waits for all objects. */
  async finish(): Promise<FinishedIndexes> {
    if (!this.#collector.isEmpty) this.#make(this.#collector.take());
    await this.#making;
    return { indexes: this.#done, bytes: this.#bytes };
  }

  /** Waits until nothing is under way any more, whatever became of it. */
  async abandon(): Promise<void> {
    await Promise.allSettled([this.#making]);
  }

  #make(content: IndexContent): void {
    this.#making = this.#making.then(() => this.#put(content));
    // Thrown by `finish`; until then it must not count as unhandled.
    this.#making.catch(() => undefined);
  }

  async #put(content: IndexContent): Promise<void> {
    const { store, place, packDays, seal, signal } = this.#options;
    const key = randomBytes(INDEX_KEY_BYTES);
    const { bytes, directory, segments } = await sealIndex(content, key, seal);
    const object = packRef(packDays, randomBytes(8).toString('hex'));
    const outcome = await store.put(indexKey(place, object), bytes, { ifAbsent: true }, signal);
    if (outcome !== 'written') throw new Error(`index ${object} exists already`);
    this.#bytes += bytes.length;
    this.#done.push({
      ref: { pack: object, ...directory, rows: segments, key: key.toString('hex') },
      packs: [
        ...new Set(content.tables.flatMap(({ segments }) => segments.flatMap((place) => place?.pack ?? []))),
      ],
    });
  }
}
