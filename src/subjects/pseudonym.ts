/** What takes the place of a value that must stay unlike any other. */
import { createHmac } from 'node:crypto';
import type { ColumnSchema } from '../sources/schema.ts';
import { pseudonymFor } from './types.ts';

/**
 * Random to whoever lacks the key, and the same each time; as the erasure in SQL makes them (`sql-postgres.ts`).
 * @param of - what names row and column
 */
export function makePseudonym(column: ColumnSchema | undefined, of: string, key: Uint8Array): string {
  const hex = createHmac('sha256', key).update(of).digest('hex');
  if (column === undefined || pseudonymFor(column)?.as !== 'uuid') return `erased-${hex.slice(0, 16)}`;
  // A random UUID by its form (RFC 9562, 5.4).
  const variant = ((parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
