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
  const log = await stat(`${path}-wal`).catch(() => undefined);
  return log === undefined ? undefined : 'another program has it open';
}
