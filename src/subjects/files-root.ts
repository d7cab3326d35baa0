/**
 * Files: whose they are stands in no table. So every snapshot has a table for it that holds nothing: whatever the map
 * calls its root, with the columns by which it names people.
 */
import type { Schema, TableSchema } from '../sources/schema.ts';
import type { Engine } from './compare.ts';
import type { SubjectMap } from './map.ts';
import { PATH_COLUMN } from './read-listed.ts';

/** The schema, of files with the root of the map. */
export function withFilesRoot(
  schema: Schema,
  { root }: Pick<SubjectMap, 'root'>,
  engine: Engine | undefined,
): Schema {
  if (engine !== 'files' || schema.tables.some(({ name }) => name === root.table)) return schema;
  const names = new Set([...root.key, ...root.lookup.keys(), PATH_COLUMN]);
  const table: TableSchema = {
    name: root.table,
    columns: [...names].map((name) => ({ name, type: 'text', nullable: true, generated: false })),
    primaryKey: root.key,
    uniques: [],
    foreignKeys: [],
    partitioned: true,
  };
  return { ...schema, tables: [...schema.tables, table] };
}
