/** Whether what was restored has the tables, columns and keys that were backed up. Pure. */
import { holdsRows } from '../sources/schema.ts';
import type { ForeignKey, Schema, TableSchema } from '../sources/schema.ts';

/**
 * What is missing in the restored database, as phrases. What it has beyond that (an extension's tables), and how a newer
 * server writes types, is left alone.
 */
export function missingIn(restored: Schema, backedUp: Schema): string[] {
  const there = new Map(restored.tables.map((table) => [table.name, table]));
  return backedUp.tables.flatMap((table) => {
    const found = there.get(table.name);
    return found === undefined ? [`table ${table.name}`] : missingOf(found, table);
  });
}

function missingOf(found: TableSchema, wanted: TableSchema): string[] {
  const columns = new Set(found.columns.map(({ name }) => name));
  const lost = wanted.columns.filter(({ name }) => !columns.has(name));
  const keys = new Set(found.foreignKeys.map(describe));
  const lostKeys = holdsRows(wanted) ? wanted.foreignKeys.filter((key) => !keys.has(describe(key))) : [];
  const hasLostKey = found.primaryKey.join('\0') !== wanted.primaryKey.join('\0');
  return [
    ...lost.map(({ name }) => `column ${name} of ${wanted.name}`),
    ...(hasLostKey && wanted.primaryKey.length > 0
      ? [`the primary key (${wanted.primaryKey.join(', ')}) of ${wanted.name}`]
      : []),
    ...lostKeys.map((key) => `the foreign key of ${wanted.name}: ${describe(key)}`),
  ];
}

/** Without its name, which an engine may make anew. */
function describe({ columns, references, referenced }: ForeignKey): string {
  return `(${columns.join(', ')}) references ${references} (${referenced.join(', ')})`;
}
