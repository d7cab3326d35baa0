/** One snapshot, made ready for the search: its schema, its map, and the streams with rows of its tables. */
import { damaged } from '../../openpgp/errors.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { ChainPlace } from '../../repository/layout.ts';
import type { Manifest, ManifestStream } from '../../repository/manifest.ts';
import { codecFor, codecOptions, type RowCodec } from '../../rows/codec.ts';
import { LIST_SCHEMA } from '../../rows/files/list.ts';
import type { Schema, TableSchema } from '../../sources/schema.ts';
import { readSidecar } from '../../restore/sidecar.ts';
import type { Sidecar } from '../../restore/sidecar.ts';
import type { Engine } from '../../subjects/compare.ts';
import { coveringMap } from '../../subjects/cover.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import { withFilesRoot } from '../../subjects/files-root.ts';
import { mapFor } from '../../subjects/narrow.ts';
import { parseSubjectMap } from '../../subjects/parse.ts';
import { relationsOf, type Relations } from '../../subjects/relations.ts';
import { noSidecar } from './locate-errors.ts';
import { chainId, type SharedReader } from './shared-reader.ts';
import { stretchesOf, unitsOf } from './units.ts';
import type { KnownUnits, PlacedStretch, PlacedUnit } from './units.ts';

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
  /** Of the snapshot. */
  readonly place: ChainPlace;
  /** Those of interest, read when they are asked for first. */
  readonly stretches: (signal: AbortSignal) => Promise<readonly PlacedStretch[]>;
  /** All of them, one by one. */
  readonly units: (signal: AbortSignal) => Promise<readonly PlacedUnit[]>;
}

/** How tables are linked, by the segments of the side-car that says so: snapshots of a chain share it. */
export type SharedSchemas = Map<string, Promise<SnapshotSchema>>;

type SnapshotSchema = Pick<Prepared, 'schema' | 'map' | 'relations'>;

/** What snapshots that are searched for one map have in common; added to. */
export interface Common {
  readonly units: KnownUnits;
  /** The same, whatever is of interest. */
  readonly all: KnownUnits;
  readonly schemas: SharedSchemas;
}

/**
 * Prepares a snapshot.
 *
 * @throws HoldfastError SIDECAR_MISSING, SUBJECTS_UNCOVERED, SUBJECTS_COLUMN, DAMAGED
 */
export async function prepare(
  input: SnapshotInput,
  reader: SharedReader,
  map: SubjectMap,
  { schemas, ...known }: Common,
  signal: AbortSignal,
): Promise<Prepared> {
  const { item, manifest } = input;
  const engine = manifest.source.kind;
  const { schema, ...linked } = await sharedSchema({ ...input, engine }, reader, map, schemas, signal);
  const streams = streamsOf(manifest, schema, reader, engine, known);
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
  const isEmpty = engine === 'files' || manifest.streams.every(({ table }) => table === undefined);
  if (sidecar === undefined && !isEmpty) throw noSidecar(manifest.binding.snapshot);
  const stated = engine === 'files' ? LIST_SCHEMA : (sidecar?.schema ?? { tables: [] });
  const schema = withFilesRoot(stated, map, engine);
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
  known: Omit<Common, 'schemas'>,
): ReadonlyMap<string, PreparedStream> {
  const tables = new Map(schema.tables.map((table) => [table.name, table]));
  const options = codecOptions(manifest.source);
  const { set, writer, chain } = manifest.binding;
  const place = { set, writer, chain };
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
    let stretches: Promise<readonly PlacedStretch[]> | undefined;
    const stretchesIn = (signal: AbortSignal) =>
      (stretches ??= stretchesOf(reader.pageParts(stream, signal), place, known.units));
    streams.set(table.name, {
      stream,
      firstSegment: first,
      table,
      codec: codecFor(stream.dialect, stream.table, table, options),
      layout: JSON.stringify([engine, stream.dialect, options, table.name, stream.table.columns]),
      reader,
      place,
      stretches: stretchesIn,
      units: (signal) => unitsOf(reader.pageParts(stream, signal), place, known.all),
    });
  }
  return streams;
}
