/** One snapshot, made ready for the search: its schema, its map, and the streams with rows of its tables. */
import { damaged } from '../openpgp/errors.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import type { Manifest, ManifestStream } from '../repository/manifest.ts';
import { codecFor, codecOptions, type RowCodec } from '../rows/codec.ts';
import type { Schema, TableSchema } from '../sources/schema.ts';
import { readSidecar } from '../restore/sidecar.ts';
import type { Sidecar } from '../restore/sidecar.ts';
import type { Engine } from '../subjects/compare.ts';
import { coveringMap } from '../subjects/cover.ts';
import type { SubjectMap } from '../subjects/map.ts';
import { mapFor } from '../subjects/narrow.ts';
import { parseSubjectMap } from '../subjects/parse.ts';
import { relationsOf, type Relations } from '../subjects/relations.ts';
import { noEngine, noSidecar } from './locate-errors.ts';
import type { Unit } from './located.ts';
import type { SharedReader } from './shared-reader.ts';
import { unitsOf, type PlacedUnit } from './units.ts';

export interface SnapshotInput {
  readonly item: CatalogEntry;
  readonly manifest: Manifest;
  /** Where the map says nothing that fits a table, what the snapshot's own says of it counts. */
  readonly fillsGaps?: boolean;
}

export interface Prepared extends SnapshotInput {
  readonly reader: SharedReader;
  readonly schema: Schema;
  readonly engine: Engine;
  readonly map: SubjectMap;
  readonly relations: Relations;
  /** By the table's name; a table without rows may have none. */
  readonly streams: ReadonlyMap<string, PreparedStream>;
}

/** The stream with the rows of one table. */
export interface PreparedStream {
  readonly stream: ManifestStream;
  readonly firstSegment: number;
  readonly table: TableSchema;
  readonly codec: RowCodec;
  /** Streams of the same layout have rows that one codec reads, and are searched together. */
  readonly layout: string;
  readonly reader: SharedReader;
  /** Read when they are asked for first. */
  readonly units: (signal: AbortSignal) => Promise<readonly PlacedUnit[]>;
}

/**
 * Prepares a snapshot.
 *
 * @param known - see `unitsOf`
 * @throws HoldfastError SIDECAR_MISSING, PURGE_ENGINE, SUBJECTS_UNCOVERED, SUBJECTS_COLUMN, DAMAGED
 */
export async function prepare(
  { item, manifest, fillsGaps }: SnapshotInput,
  reader: SharedReader,
  map: SubjectMap,
  known: Map<string, Unit>,
  signal: AbortSignal,
): Promise<Prepared> {
  const { snapshot } = manifest.binding;
  const engine = engineOf(manifest, snapshot);
  const sidecar = await readSidecar(reader, manifest, signal);
  const isEmpty = manifest.streams.every(({ table }) => table === undefined);
  if (sidecar === undefined && !isEmpty) throw noSidecar(snapshot);
  const schema = sidecar?.schema ?? { tables: [] };
  const narrow = mapFor(fillsGaps === true ? filled(map, sidecar) : map, schema);
  const relations = relationsOf(narrow, schema, engine);
  const streams = streamsOf(manifest, schema, reader, engine, known);
  return { item, manifest, reader, schema, engine, map: narrow, relations, streams };
}

function filled(map: SubjectMap, sidecar: Sidecar | undefined): SubjectMap {
  const text = sidecar?.subjects?.text;
  if (sidecar === undefined || text === undefined) return map;
  return coveringMap([map, parseSubjectMap(text, 'the map in the snapshot').map], sidecar.schema);
}

function engineOf({ source }: Manifest, snapshot: string): Engine {
  if (source.kind === 'postgres' || source.kind === 'sqlite') return source.kind;
  throw noEngine(snapshot, source.kind);
}

function streamsOf(
  manifest: Manifest,
  schema: Schema,
  reader: SharedReader,
  engine: Engine,
  known: Map<string, Unit>,
): ReadonlyMap<string, PreparedStream> {
  const tables = new Map(schema.tables.map((table) => [table.name, table]));
  const options = codecOptions(manifest.source);
  const { set, writer, chain } = manifest.binding;
  const streams = new Map<string, PreparedStream>();
  let firstSegment = 0;
  for (const stream of manifest.streams) {
    const first = firstSegment;
    firstSegment += stream.segments;
    if (stream.table === undefined || stream.dialect === 'sql') continue;
    const table = tables.get(stream.table.name);
    if (table === undefined) {
      const what = `the side-car of ${manifest.binding.snapshot}`;
      throw damaged(what, `it says nothing of table ${stream.table.name}`);
    }
    let units: Promise<readonly PlacedUnit[]> | undefined;
    streams.set(table.name, {
      stream,
      firstSegment: first,
      table,
      codec: codecFor(stream.dialect, stream.table, table, options),
      layout: JSON.stringify([engine, stream.dialect, options, table.name, stream.table.columns]),
      reader,
      units: (signal) => (units ??= unitsOf(reader.segments(stream, signal), { set, writer, chain }, known)),
    });
  }
  return streams;
}
