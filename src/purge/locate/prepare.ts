/** One snapshot, made ready for the search: its schema, its map, and the streams with rows of its tables. */
import { damaged } from '../../openpgp/errors.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Manifest, ManifestStream } from '../../repository/manifest.ts';
import { codecFor, codecOptions, type RowCodec } from '../../rows/codec.ts';
import type { Schema, TableSchema } from '../../sources/schema.ts';
import { readSidecar } from '../../restore/sidecar.ts';
import type { Sidecar } from '../../restore/sidecar.ts';
import { engineOf, type Engine } from '../../subjects/compare.ts';
import { coveringMap } from '../../subjects/cover.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import { mapFor } from '../../subjects/narrow.ts';
import { parseSubjectMap } from '../../subjects/parse.ts';
import { relationsOf, type Relations } from '../../subjects/relations.ts';
import { noEngine, noSidecar } from './locate-errors.ts';
import { chainId, type SharedReader } from './shared-reader.ts';
import { unitsOf, type KnownUnits, type PlacedUnit } from './units.ts';

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

/** How tables are linked, by the segments of the side-car that says so: snapshots of a chain share it. */
export type SharedSchemas = Map<string, Promise<SnapshotSchema>>;

type SnapshotSchema = Pick<Prepared, 'schema' | 'map' | 'relations'>;

/** What snapshots that are searched for one map have in common; added to. */
export interface Common {
  readonly units: KnownUnits;
  readonly schemas: SharedSchemas;
}

/**
 * Prepares a snapshot.
 *
 * @throws HoldfastError SIDECAR_MISSING, PURGE_ENGINE, SUBJECTS_UNCOVERED, SUBJECTS_COLUMN, DAMAGED
 */
export async function prepare(
  input: SnapshotInput,
  reader: SharedReader,
  map: SubjectMap,
  { units, schemas }: Common,
  signal: AbortSignal,
): Promise<Prepared> {
  const { item, manifest } = input;
  const { kind } = manifest.source;
  const engine = engineOf(kind);
  if (engine === undefined) throw noEngine(manifest.binding.snapshot, kind);
  const { schema, ...linked } = await sharedSchema({ ...input, engine }, reader, map, schemas, signal);
  const streams = streamsOf(manifest, schema, reader, engine, units);
  return { item, manifest, reader, schema, engine, ...linked, streams };
}

type SchemaInput = SnapshotInput & Pick<Prepared, 'engine'>;

function sharedSchema(
  input: SchemaInput,
  reader: SharedReader,
  map: SubjectMap,
  schemas: SharedSchemas,
  signal: AbortSignal,
): Promise<SnapshotSchema> {
  const { binding, sidecar } = input.manifest;
  if (sidecar === undefined) return schemaOf(input, reader, map, signal);
  const id = JSON.stringify([chainId(binding), input.engine, input.fillsGaps === true, sidecar]);
  const shared = schemas.get(id) ?? schemaOf(input, reader, map, signal);
  schemas.set(id, shared);
  return shared;
}

async function schemaOf(
  { manifest, fillsGaps, engine }: SchemaInput,
  reader: SharedReader,
  map: SubjectMap,
  signal: AbortSignal,
): Promise<SnapshotSchema> {
  const sidecar = await readSidecar(reader, manifest, signal);
  const isEmpty = manifest.streams.every(({ table }) => table === undefined);
  if (sidecar === undefined && !isEmpty) throw noSidecar(manifest.binding.snapshot);
  const schema = sidecar?.schema ?? { tables: [] };
  const narrow = mapFor(fillsGaps === true ? filled(map, sidecar) : map, schema);
  return { schema, map: narrow, relations: relationsOf(narrow, schema, engine) };
}

function filled(map: SubjectMap, sidecar: Sidecar | undefined): SubjectMap {
  const text = sidecar?.subjects?.text;
  if (sidecar === undefined || text === undefined || text === map.text) return map;
  return coveringMap([map, parseSubjectMap(text, 'the map in the snapshot').map], sidecar.schema);
}

function streamsOf(
  manifest: Manifest,
  schema: Schema,
  reader: SharedReader,
  engine: Engine,
  known: KnownUnits,
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
      units: (signal) =>
        (units ??= unitsOf(reader.segmentGroups(stream, signal), { set, writer, chain }, known)),
    });
  }
  return streams;
}
