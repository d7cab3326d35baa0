/** Questions to a restored SQLite database: one SELECT on a connection that can change nothing. */
import { DatabaseSync } from 'node:sqlite';
import { reasonOf, throwIfCancelled } from '../../errors.ts';
import { onlyValue } from '../inspector.ts';
import type { Answer, Inspector } from '../inspector.ts';
import { named } from './open.ts';
import { forbidAttach } from './rehearse.ts';

/**
 * Opens the file.
 * @throws HoldfastError SQLITE_CORRUPT, SQLITE_NOT_A_DATABASE, SQLITE_DENIED
 */
export function sqliteInspector(path: string): Promise<Inspector> {
  const db = openReadOnly(path);
  return Promise.resolve({
    ask: (question, signal) => {
      throwIfCancelled(signal);
      return Promise.resolve(
        'sql' in question ? ask(db, question.sql) : { refused: 'SQLite is asked in SQL' },
      );
    },
    [Symbol.asyncDispose]: () => {
      db.close();
      return Promise.resolve();
    },
  });
}

function openReadOnly(path: string): DatabaseSync {
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    forbidAttach(db);
    return db;
  } catch (error) {
    throw named(path, error);
  }
}

function ask(db: DatabaseSync, sql: string): Answer {
  try {
    const statement = db.prepare(sql);
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    const rows: (string | null)[][] = [];
    for (const row of statement.iterate()) {
      rows.push((row as unknown as readonly Value[]).map(textOf));
      if (rows.length === 2) break;
    }
    return onlyValue(rows);
  } catch (error) {
    return { refused: reasonOf(error) };
  }
}

type Value = string | bigint | number | Uint8Array | null;

function textOf(value: Value): string | null {
  if (value === null) return null;
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
