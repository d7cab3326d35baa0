/** Full-text indexes of SQLite: which can be built again, and from what. */
import type { TableSchema } from '../sources/schema.ts';

/** True for an index that has its text, or knows another table that has it. */
export function canBeRebuilt({ virtual }: Pick<TableSchema, 'virtual'>): boolean {
  return virtual?.content === 'own' || virtual?.content === 'external';
}

/** True for `docs_content`, where a full-text index has the text itself (sqlite.org/fts5.html, 4.4.1). */
export function isTextOf({ name, shadowOf }: Pick<TableSchema, 'name' | 'shadowOf'>): boolean {
  return shadowOf !== undefined && /_content"?$/i.test(name);
}
