/**
 * One run per set and host. The lock is SQLite's exclusive file lock: the kernel drops it with the process, so a
 * killed run leaves nothing that a person would have to clean up.
 */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { locked, stateUnusable } from './errors.ts';
import { makePrivateFolder } from './state-files.ts';
import { reasonOf } from '../errors.ts';

const SQLITE_BUSY = 5;

/**
 * Takes the lock of a set's state folder; `using` releases it.
 * @throws HoldfastError LOCKED when another process on this host has it
 */
export async function lockSet(stateFolder: string, set: string): Promise<Disposable> {
  await makePrivateFolder(stateFolder);
  const file = join(stateFolder, 'lock.sqlite');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file);
    db.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  } catch (cause) {
    db?.close();
    if ((cause as { errcode?: number }).errcode === SQLITE_BUSY) throw locked(set);
    throw stateUnusable(file, reasonOf(cause), cause);
  }
  const held = db;
  return { [Symbol.dispose]: () => held.close() };
}
