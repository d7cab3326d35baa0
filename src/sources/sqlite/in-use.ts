/** Whether somebody uses a database: as far as its locks and the files beside it tell. */
import { stat } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf } from '../../errors.ts';

/**
 * Takes the exclusive lock for a moment, and brings the write-ahead log into the file; the last one who closes a database
 * removes its log, so one that stays has another user (https://sqlite.org/wal.html).
 *
 * @returns who, for people; undefined when nobody seems to
 */
export async function usersOf(path: string): Promise<string | undefined> {
  if (!(await isThere(path))) return leftBehind(path);
  try {
    const db = new DatabaseSync(path, { timeout: 1000 });
    try {
      db.exec('PRAGMA wal_checkpoint(TRUNCATE); BEGIN EXCLUSIVE; COMMIT;');
    } finally {
      db.close();
    }
  } catch (error) {
    return `its lock is held (${reasonOf(error)})`;
  }
  return (await isThere(`${path}-wal`)) ? 'another program has it open' : undefined;
}

/** The log of a database that is gone: SQLite would play it into whatever takes its name. */
async function leftBehind(path: string): Promise<string | undefined> {
  for (const ending of ['-wal', '-journal'])
    if (await isThere(path + ending)) return `a log of a database that is gone lies there (${path}${ending})`;
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
