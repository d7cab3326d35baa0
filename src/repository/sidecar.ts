/**
 * The side-car of a snapshot: how its tables are linked, and the subject map that held when it was taken. What a
 * purge needs to find somebody in it, also years later and in a database that is gone.
 *
 * It is one JSON text, with line ends between the tables so that an unchanged part is an unchanged segment next day.
 */
import { z } from 'zod';
import type { Schema } from '../sources/schema.ts';
import { parseWith } from './entry.ts';
import { malformed } from './errors.ts';
import { FORMAT } from './layout.ts';

export interface Sidecar {
  readonly schema: Schema;
  /** The subject map's file, when the set had one. */
  readonly subjects?: SidecarMap;
}

export interface SidecarMap {
  readonly text: string;
  /** Of `text`, in lower-case hex. */
  readonly sha256: string;
}

/** More than this is no schema: it is read whole. */
export const SIDECAR_BYTES_MAX = 64 * 1024 * 1024;

export function formatSidecar({ schema, subjects }: Sidecar): Buffer {
  const { tables, ...others } = schema;
  const head = JSON.stringify({ format: FORMAT, kind: 'sidecar', ...(subjects && { subjects }) }).slice(
    0,
    -1,
  );
  const about = JSON.stringify(others).slice(1, -1);
  const lines = tables.map((table) => JSON.stringify(table)).join(',\n');
  return Buffer.from(
    `${head},\n"schema":{${about}${about === '' ? '' : ','}"tables":[\n${lines}\n]}}\n`,
    'utf8',
  );
}

const names = z.array(z.string());
const tableSchema = z.looseObject({
  name: z.string(),
  columns: z.array(
    z.looseObject({
      name: z.string(),
      type: z.string(),
      nullable: z.boolean(),
      generated: z.boolean(),
      collation: z.string().optional(),
    }),
  ),
  primaryKey: names,
  uniques: z.array(names),
  foreignKeys: z.array(
    z.looseObject({
      name: z.string(),
      columns: names,
      references: z.string(),
      referenced: names,
      onDelete: z.enum(['no action', 'restrict', 'cascade', 'set null', 'set default']),
    }),
  ),
  partitionOf: z.string().optional(),
  partitioned: z.literal(true).optional(),
  parents: names.optional(),
  shadowOf: z.string().optional(),
  virtual: z
    .looseObject({ module: z.string(), content: z.enum(['own', 'external', 'none']).optional() })
    .optional(),
  rowid: z.string().optional(),
});

const sidecarSchema = z.looseObject({
  format: z.literal(FORMAT),
  kind: z.literal('sidecar'),
  subjects: z.looseObject({ text: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }).optional(),
  schema: z.looseObject({ tables: z.array(tableSchema), largeObjects: z.literal(true).optional() }),
});

/**
 * Reads a side-car.
 * @throws HoldfastError MALFORMED, FORMAT_UNKNOWN
 */
export function parseSidecar(plain: Buffer, what: string): Sidecar {
  let value: unknown;
  try {
    value = JSON.parse(plain.toString('utf8'));
  } catch {
    throw malformed(what, 'it is not JSON');
  }
  const { schema, subjects } = parseWith(sidecarSchema, value, what);
  // Optional properties are absent, never undefined, in what JSON.parse makes.
  return { schema: schema as Schema, ...(subjects && { subjects }) };
}
