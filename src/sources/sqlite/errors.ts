/** What can go wrong with an SQLite database, as a source and as a restore target. */
import { HoldfastError, reasonOf } from '../../errors.ts';

function failed(code: string, message: string, hint: string, cause?: unknown): HoldfastError {
  return new HoldfastError({ code, exit: 'failed', message, hint, cause });
}

/** There is no file at the path. */
export function databaseMissing(path: string): HoldfastError {
  return failed('SQLITE_MISSING', `there is no database at ${path}`, 'Correct the path of the source.');
}

/** The file is there and we may not use it. */
export function accessDenied(path: string, cause: unknown): HoldfastError {
  return failed(
    'SQLITE_DENIED',
    `may not read ${path}: ${reasonOf(cause)}`,
    'Run as a user who may read the database; one in WAL mode also needs write access to its folder.',
    cause,
  );
}

/** The bytes are not those of an SQLite database. */
export function notADatabase(path: string, what: string, cause?: unknown): HoldfastError {
  return failed(
    'SQLITE_NOT_A_DATABASE',
    `${path} is not an SQLite database: ${what}`,
    'Correct the path. An encrypted database (SQLCipher, SEE) cannot be read; export it with its own tool first.',
    cause,
  );
}

/** Another process kept the database locked for the whole time that we waited. */
export function databaseLocked(path: string, seconds: number, cause: unknown): HoldfastError {
  return failed(
    'SQLITE_LOCKED',
    `${path} was locked by another process for ${seconds} seconds`,
    'Run the backup when no long write is under way, or set journal_mode=WAL in the application.',
    cause,
  );
}

/** SQLite found damage; `what` is its own report. */
export function databaseCorrupt(path: string, what: string, cause?: unknown): HoldfastError {
  return failed(
    'SQLITE_CORRUPT',
    `${path} is damaged: ${what}`,
    'Nothing was backed up. Run PRAGMA integrity_check, then sqlite3 .recover, or restore the last good snapshot.',
    cause,
  );
}

/** The private copy could not be made. */
export function copyFailed(folder: string, cause: unknown): HoldfastError {
  return failed(
    'SQLITE_COPY',
    `cannot copy the database into ${folder}: ${reasonOf(cause)}`,
    'The folder must be writable and have as much free space as the database is large.',
    cause,
  );
}

/** SQLite refused for a reason that has no name of its own here. */
export function sqliteFailed(path: string, cause: unknown): HoldfastError {
  return failed(
    'SQLITE_FAILED',
    `SQLite could not read ${path}: ${reasonOf(cause)}`,
    'Check the disk and the permissions, then run the same command again.',
    cause,
  );
}

/** A virtual table of a module that is not built in. */
export function moduleUnknown(path: string, table: string, module: string): HoldfastError {
  return failed(
    'SQLITE_MODULE_UNKNOWN',
    `${path}: virtual table ${table} uses the module ${module}, which this SQLite does not have`,
    'Its meaning lies in an extension. Drop the table before the backup, or back the file up as a file.',
  );
}

/** The schema cannot be written as a script that stock SQLite loads. */
export function schemaUnsupported(path: string, what: string, cause?: unknown): HoldfastError {
  return failed(
    'SQLITE_SCHEMA_UNSUPPORTED',
    `${path}: ${what}`,
    'A restore would fail with stock SQLite, so nothing was backed up. Change the schema, or back the file up as a file.',
    cause,
  );
}

/** A row whose statement would be longer than SQLite and Node can take. */
export function rowTooLarge(path: string, table: string, row: number, limitBytes: number): HoldfastError {
  return failed(
    'SQLITE_ROW_TOO_LARGE',
    `${path}: row ${row} of table ${table} needs a statement of more than ${limitBytes} bytes`,
    'Split the value, or back the file up as a file.',
  );
}

/** The place for the restored database is taken. */
export function targetOccupied(path: string, what: string): HoldfastError {
  return new HoldfastError({
    code: 'SQLITE_TARGET_OCCUPIED',
    exit: 'target',
    message: `${path} ${what}`,
    hint: 'A restore replaces nothing. Give the path of a file that does not exist yet.',
  });
}

/** The target's folder cannot be used. */
export function targetUnusable(path: string, cause: unknown): HoldfastError {
  return new HoldfastError({
    code: 'SQLITE_TARGET_UNUSABLE',
    exit: 'target',
    message: `cannot write ${path}: ${reasonOf(cause)}`,
    hint: 'Give a path in a folder that exists, that you may write to, and that has enough free space.',
    cause,
  });
}

/** Something that preflight reports as a problem stands in the way. */
export function restoreImpossible(problem: string): HoldfastError {
  return new HoldfastError({
    code: 'SQLITE_RESTORE_IMPOSSIBLE',
    exit: 'target',
    message: problem,
    hint: 'Look at the whole list with restore --dry-run.',
  });
}

/** A stream of the dump did not load. */
export function loadFailed(stream: string, cause: unknown): HoldfastError {
  return failed(
    'SQLITE_LOAD',
    `loading ${stream} failed: ${reasonOf(cause)}`,
    isFull(cause)
      ? 'Make room there, or name another place with --to. The half-loaded file was removed.'
      : 'The half-loaded file was removed. Verify the snapshot with holdfast verify --read-data.',
    cause,
  );
}

/** SQLITE_FULL (https://sqlite.org/rescode.html#full). */
function isFull(cause: unknown): boolean {
  return cause instanceof Error && 'errcode' in cause && cause.errcode === 13;
}

/** The restored file does not pass SQLite's own check. */
export function restoredCorrupt(what: string): HoldfastError {
  return failed(
    'SQLITE_RESTORED_CORRUPT',
    `the restored database does not pass PRAGMA integrity_check: ${what}`,
    'The file was removed. Check the disk and restore again.',
  );
}
