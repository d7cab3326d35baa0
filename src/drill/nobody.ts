/**
 * That nobody is back: while a snapshot is loaded, the rows of the root table (of Redis the keys, of files the paths) are
 * looked at for everybody whom any purge of the set has erased, whether or not the purge has been through this snapshot.
 */
import { isSurvivable, reasonOf } from '../errors.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import type { Ledger } from '../repository/ledger.ts';
import { purgesOf } from '../repository/purges.ts';
import type { Session } from '../repository/session.ts';
import type { Sidecar } from '../restore/sidecar.ts';
import type { Schema } from '../sources/schema.ts';
import type { ByteRange, DumpReader, DumpStream, SourceInfo, StoredStream } from '../sources/source.ts';
import { keyOf } from '../subjects/compare.ts';
import { keyComparisons } from '../subjects/relations.ts';
import type { Engine } from '../subjects/compare.ts';
import type { SubjectMap } from '../subjects/map.ts';
import { parseSubjectMap } from '../subjects/parse.ts';
import { listSuppression } from '../suppression/objects.ts';
import type { Suppression } from '../suppression/objects.ts';
import { readSuppressions } from '../suppression/read.ts';
import { RowWatch } from '../suppression/watch.ts';
import type { WatchedGroup } from '../suppression/watch.ts';

export interface Erased {
  /** Whom purges erased, as far as that can still be read. */
  readonly people: readonly Suppression[];
  /** Why that of others cannot, by purge. */
  readonly unreadable: readonly { readonly purge: string; readonly reason: string }[];
}

export interface ErasedOptions {
  readonly session: Session;
  readonly set: string;
  readonly ledger: Ledger;
  readonly opener: MessageOpener;
  /** The store's clock. */
  readonly now: Date;
}

/** Whom the purges of a set were about. Throws CANCELLED, and what listing throws. */
export async function readErased(
  { session, set, ledger, opener, now }: ErasedOptions,
  signal: AbortSignal,
): Promise<Erased> {
  const purges = purgesOf(ledger, session.operators).filter(({ isWhole }) => !isWhole);
  if (purges.length === 0) return { people: [], unreadable: [] };
  const listed = await listSuppression(session.store, set, signal);
  const people: Suppression[] = [];
  const unreadable: { purge: string; reason: string }[] = [];
  for (const purge of purges)
    try {
      people.push(...(await readSuppressions(session, set, [purge], { opener, now, listed }, signal)));
    } catch (error) {
      if (!isSurvivable(error)) throw error;
      unreadable.push({ purge: purge.id, reason: reasonOf(error) });
    }
  return { people, unreadable };
}

/** A reader whose rows are looked at on their way to a loader. */
export interface Watched {
  readonly reader: DumpReader;
  /** Purges whose people are looked for. */
  readonly purges: readonly string[];
  /** Purges whose people cannot be told by rows: their map leaves the root's row where it is, or no key is known. */
  readonly untold: readonly string[];
  /** Rows that should not be there, by purge; complete when everything was read. */
  back(): ReadonlyMap<string, number>;
}

export function watchFor(
  people: readonly Suppression[],
  reader: DumpReader,
  sidecar: Sidecar | undefined,
): Watched {
  const watches: RowWatch[] = [];
  const purges: string[] = [];
  const untold: string[] = [];
  const engine = reader.source.kind;
  for (const [text, alike] of Map.groupBy(people, ({ map }) => map)) {
    const map = onlyDeletions(parseSubjectMap(text, 'the map of the purge').map);
    const names = alike.map(({ purge }) => purge);
    if (map === undefined || sidecar === undefined) {
      untold.push(...names);
      continue;
    }
    const group = groupOf(alike, map, sidecar.schema, engine);
    const watch = new RowWatch([group], sidecar.schema, reader.source, map);
    if (!reader.streams.some((stream) => looksAt(watch, stream))) {
      untold.push(...names);
      continue;
    }
    const told = new Set([...group.purges.values()].flat());
    purges.push(...names.filter((name) => told.has(name)));
    untold.push(...names.filter((name) => !told.has(name)));
    watches.push(watch);
  }
  return {
    reader: watches.length === 0 ? reader : new WatchedReader(reader, watches),
    purges,
    untold,
    back: () => new Map(watches.flatMap(({ back }) => [...back])),
  };
}

/** Only a table whose rows are looked at tells anything: a snapshot may have none that a key of theirs is in. */
function looksAt(watch: RowWatch, stream: StoredStream): boolean {
  const dump = dumpStream(stream, nothing());
  return watch.watch(dump) !== dump;
}

function dumpStream(
  { name, section, dialect, table }: StoredStream,
  bytes: AsyncIterable<Uint8Array>,
): DumpStream {
  return { name, section, dialect, ...(table && { table }), bytes };
}

async function* nothing(): AsyncGenerator<Uint8Array> {
  // A stream that is never read.
}

/** Undefined where a purge lets the root's row stay: then the key alone says nothing. */
function onlyDeletions(map: SubjectMap): SubjectMap | undefined {
  const root = map.tables.get(map.root.table);
  if (root?.kind === 'linked' && root.action.do !== 'delete') return undefined;
  const tables = [...map.tables].filter(
    ([, rule]) => rule.kind === 'linked' && rule.action.do === 'delete' && rule.links.every(isDeleted),
  );
  return { ...map, tables: new Map(tables) };
}

function isDeleted({ action }: { readonly action?: { readonly do: string } }): boolean {
  return action === undefined || action.do === 'delete';
}

/** By the keys that are known of them. */
function groupOf(
  people: readonly Suppression[],
  map: SubjectMap,
  schema: Schema,
  engine: Engine,
): WatchedGroup {
  const { table, key: columns } = map.root;
  const comparisons = keyComparisons(map, schema, engine);
  const purges = new Map<string, string[]>();
  for (const { purge, subjects } of people)
    for (const { known } of subjects) {
      const key = keyOf(
        columns.map((column) => known.get(column) ?? null),
        comparisons,
      );
      if (key !== null) purges.set(key, [...(purges.get(key) ?? []), purge]);
    }
  const maker = { of: (values: Parameters<typeof keyOf>[0]) => keyOf(values, comparisons) ?? undefined };
  return { table, columns, maker, purges };
}

class WatchedReader implements DumpReader {
  readonly source: SourceInfo;
  readonly streams: readonly StoredStream[];
  readonly #reader: DumpReader;
  readonly #watches: readonly RowWatch[];

  constructor(reader: DumpReader, watches: readonly RowWatch[]) {
    this.source = reader.source;
    this.streams = reader.streams;
    this.#reader = reader;
    this.#watches = watches;
  }

  async *read(
    stream: StoredStream,
    signal: AbortSignal,
    ranges?: readonly ByteRange[],
  ): AsyncIterable<Buffer> {
    const plain = this.#reader.read(stream, signal, ranges);
    if (ranges !== undefined) {
      yield* plain;
      return;
    }
    let bytes: AsyncIterable<Uint8Array> = plain;
    for (const watch of this.#watches) bytes = watch.watch(dumpStream(stream, bytes)).bytes;
    // They are the pieces that the reader gave.
    yield* bytes as AsyncIterable<Buffer>;
  }
}
