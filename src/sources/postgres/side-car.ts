/** The schema of a PostgreSQL database as a purge needs it, read in the transaction whose snapshot is dumped. */
import type { Client } from 'pg';
import type { ColumnSchema, ForeignKey, OnDelete, Schema, TableSchema } from '../schema.ts';
import { queryFailed } from './errors.ts';

/**
 * Reads all tables whose rows a dump may have, and the partitioned ones above them.
 * @throws HoldfastError PG_QUERY
 */
export async function readSideCar(client: Client, display: string): Promise<Schema> {
  try {
    // pg_dump quotes only what needs it, whatever the role prefers.
    await client.query(`SELECT pg_catalog.set_config('quote_all_identifiers', 'off', false)`);
    const { rows } = await client.query<{ catalogue: Catalogue }>(CATALOGUE);
    const catalogue = rows[0]?.catalogue;
    if (catalogue === undefined) throw new Error('no row');
    return schemaOf(catalogue);
  } catch (error) {
    throw queryFailed(display, 'the tables and their keys', error);
  }
}

interface Catalogue {
  readonly tables: readonly PgTable[];
  readonly largeObjects: boolean;
}

interface PgTable {
  readonly oid: string;
  readonly name: string;
  /** `r` or `p`. */
  readonly kind: string;
  readonly isPartition: boolean;
  /** What it inherits from or is a partition of, in order. */
  readonly parents: readonly string[];
  readonly columns: readonly ColumnSchema[];
  readonly keys: readonly { readonly isPrimary: boolean; readonly columns: readonly string[] }[];
  readonly foreignKeys: readonly PgForeignKey[];
}

interface PgForeignKey extends Omit<ForeignKey, 'onDelete'> {
  readonly onDelete: string;
}

/** pg_constraint.confdeltype (PostgreSQL manual, 53.13). */
const ON_DELETE: Readonly<Record<string, OnDelete>> = {
  a: 'no action',
  r: 'restrict',
  c: 'cascade',
  n: 'set null',
  d: 'set default',
};

function schemaOf({ tables, largeObjects }: Catalogue): Schema {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  return {
    tables: tables.map((table) => tableOf(table, byOid)),
    ...(largeObjects && { largeObjects }),
  };
}

function tableOf(table: PgTable, byOid: ReadonlyMap<string, PgTable>): TableSchema {
  const root = table.isPartition ? rootOf(table, byOid) : undefined;
  const parents = table.isPartition ? [] : namesOf(table.parents, byOid);
  return {
    name: table.name,
    columns: table.columns,
    primaryKey: table.keys.find(({ isPrimary }) => isPrimary)?.columns ?? [],
    uniques: table.keys.filter(({ isPrimary }) => !isPrimary).map(({ columns }) => columns),
    foreignKeys: table.foreignKeys.map((key) => ({ ...key, onDelete: onDeleteOf(key.onDelete) })),
    ...(root !== undefined && { partitionOf: root }),
    ...(table.kind === 'p' && { partitioned: true }),
    ...(parents.length > 0 && { parents }),
  };
}

/** A partition has one parent; the topmost one is no partition. */
function rootOf(table: PgTable, byOid: ReadonlyMap<string, PgTable>): string | undefined {
  const parent = byOid.get(table.parents[0] ?? '');
  if (parent === undefined) return undefined;
  return parent.isPartition ? rootOf(parent, byOid) : parent.name;
}

function namesOf(oids: readonly string[], byOid: ReadonlyMap<string, PgTable>): readonly string[] {
  return oids.flatMap((oid) => byOid.get(oid)?.name ?? []);
}

function onDeleteOf(letter: string): OnDelete {
  const action = ON_DELETE[letter];
  if (action === undefined) throw new Error(`a foreign key with an unknown action '${letter}'`);
  return action;
}

/** Names as pg_dump writes them; oids as text, so that JSON keeps them. Columns that were dropped leave gaps in attnum. */
const name = (table: string): string =>
  `pg_catalog.quote_ident((SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = ${table}.relnamespace)) || '.' || pg_catalog.quote_ident(${table}.relname)`;

const columns = (relation: string, numbers: string): string => `(
  SELECT coalesce(json_agg(attname ORDER BY place), '[]') FROM unnest(${numbers}) WITH ORDINALITY AS listed (number, place)
  JOIN pg_catalog.pg_attribute ON attrelid = ${relation} AND attnum = number)`;

const COLUMNS = `(
  SELECT coalesce(json_agg(json_build_object('name', attname, 'type', pg_catalog.format_type(atttypid, atttypmod),
    'nullable', NOT (attnotnull OR typnotnull), 'generated', coalesce(to_jsonb(a)->>'attgenerated', '') <> '')
    ORDER BY attnum), '[]')
  FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = atttypid
  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)`;

// indnkeyatts (since 11) leaves out the columns that an index only carries along.
const KEYS = `(
  SELECT coalesce(json_agg(json_build_object('isPrimary', indisprimary, 'columns', ${columns(
    'c.oid',
    `(indkey::int2[])[0:coalesce((to_jsonb(i)->>'indnkeyatts')::int, indnatts) - 1]`,
  )}) ORDER BY indexrelid), '[]')
  FROM pg_catalog.pg_index i
  WHERE indrelid = c.oid AND indisunique AND indisvalid AND indpred IS NULL AND indexprs IS NULL)`;

// A key to a partitioned table has a child for each partition there, on the same table: those say nothing new.
const FOREIGN_KEYS = `(
  SELECT coalesce(json_agg(json_build_object('name', conname, 'columns', ${columns('f.conrelid', 'f.conkey')},
    'references', ${name('r')}, 'referenced', ${columns('f.confrelid', 'f.confkey')}, 'onDelete', confdeltype)
    ORDER BY conname), '[]')
  FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class r ON r.oid = confrelid
  WHERE conrelid = c.oid AND contype = 'f' AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint above
    WHERE above.oid::text = to_jsonb(f)->>'conparentid' AND above.conrelid = f.conrelid))`;

// Tables of extensions are not dumped, but for those that they mark as configuration.
const CATALOGUE = `
SELECT json_build_object(
  'tables', (SELECT coalesce(json_agg(json_build_object('oid', c.oid::text, 'name', ${name('c')}, 'kind', relkind,
      'isPartition', coalesce((to_jsonb(c)->>'relispartition')::boolean, false),
      'parents', (SELECT coalesce(json_agg(inhparent::text ORDER BY inhseqno), '[]')
        FROM pg_catalog.pg_inherits WHERE inhrelid = c.oid),
      'columns', ${COLUMNS}, 'keys', ${KEYS}, 'foreignKeys', ${FOREIGN_KEYS}) ORDER BY nspname, relname), '[]')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE relkind IN ('r', 'p') AND relpersistence <> 't' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
          AND d.refclassid = 'pg_catalog.pg_extension'::regclass AND c.oid <> ALL (coalesce(extconfig, '{}')))),
  'largeObjects', EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata)
) AS catalogue`;
