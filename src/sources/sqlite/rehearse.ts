/**
 * A rehearsal of the schema: the script without its rows is run in memory before any row is read, so that a
 * database which stock SQLite could not take back fails its backup and not its restore (collations and functions
 * of the application, definitions that were edited by hand).
 */
import { DatabaseSync, constants } from 'node:sqlite';
import { reasonOf } from '../../errors.ts';
import { schemaUnsupported } from './errors.ts';
import { displayName } from './names.ts';
import type { Schema } from './schema.ts';
import { postData, preData, sequenceReset } from './script.ts';

/**
 * @throws HoldfastError SQLITE_SCHEMA_UNSUPPORTED when the script fails or does not make every object
 */
export function rehearse(schema: Schema, path: string): void {
  const db = new DatabaseSync(':memory:', SCRIPT_OPTIONS);
  try {
    forbidAttach(db);
    db.exec(preData(schema) + sequenceReset(schema) + postData(schema));
    const made = new Set(namesIn(db));
    const lacking = schema.objects.find(({ type, name }) => !made.has(`${type} ${name}`));
    if (!lacking) return;
    const shown = `${lacking.type} ${displayName(lacking.name)}`;
    throw schemaUnsupported(path, `the stored definition of ${shown} does not make it`);
  } catch (error) {
    if (error instanceof Error && 'errcode' in error) {
      throw schemaUnsupported(path, `the schema cannot be loaded again: ${reasonOf(error)}`, error);
    }
    throw error;
  } finally {
    db.close();
  }
}

/** How a connection must be opened to run a dump: it writes `sqlite_schema`, and old schemas have "text" in double quotes. */
export const SCRIPT_OPTIONS = {
  enableForeignKeyConstraints: false,
  enableDoubleQuotedStringLiterals: true,
  defensive: false,
} as const;

/** A definition is text from a database: no statement hidden in it may open another file. */
export function forbidAttach(db: DatabaseSync): void {
  const forbidden = new Set([constants.SQLITE_ATTACH, constants.SQLITE_DETACH]);
  db.setAuthorizer((action) => (forbidden.has(action) ? constants.SQLITE_DENY : constants.SQLITE_OK));
}

function namesIn(db: DatabaseSync): string[] {
  return db
    .prepare('SELECT type, name FROM sqlite_schema')
    .all()
    .map((row) => `${String(row['type'])} ${String(row['name'])}`);
}
