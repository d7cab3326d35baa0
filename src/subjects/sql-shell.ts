/** The erasure as a script for the shell of its engine: psql or sqlite3, which would go on after an error unless told. */
import type { Engine } from './compare.ts';
import type { Erasure } from './sql.ts';

/**
 * The statements with the one command before them that makes the shell stop at the first error: without it, sqlite3
 * would carry out what comes after a check that failed.
 */
export function shellScript(engine: Engine, { sql }: Pick<Erasure, 'sql'>): string {
  return `${STOP_AT_ERROR[engine]}\n${sql}`;
}

const STOP_AT_ERROR: Readonly<Record<Engine, string>> = {
  postgres: String.raw`\set ON_ERROR_STOP on`,
  sqlite: '.bail on',
};
