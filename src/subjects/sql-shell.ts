/** The erasure as a script for the shell of its engine: psql, sqlite3 or mariadb, which would go on after an error unless told. */
import type { SqlDatabase } from './compare.ts';
import type { Erasure } from './sql.ts';

/**
 * The statements with the one command before them that makes the shell stop at the first error: without it, sqlite3
 * would carry out what comes after a check that failed.
 */
export function shellScript(engine: SqlDatabase, { sql }: Pick<Erasure, 'sql'>): string {
  return `${STOP_AT_ERROR[engine]}\n${sql}`;
}

const STOP_AT_ERROR: Readonly<Record<SqlDatabase, string>> = {
  postgres: String.raw`\set ON_ERROR_STOP on`,
  sqlite: '.bail on',
  // The client stops by itself, unless --force is given, and has no command for it.
  mysql: '-- for: mariadb DATABASE < FILE',
};
