/** Whether somebody uses a database: as far as its locks, the files beside it and the processes of this machine tell. */
import { readFile, readdir, readlink, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { reasonOf } from '../../errors.ts';

/**
 * Takes the exclusive lock for a moment, and brings the write-ahead log into the file; the last one who closes a database
 * removes its log, so one that stays has another user (https://sqlite.org/wal.html). Without a write-ahead log an application
 * that only waits holds no lock, and would go on to write into the file that was set aside.
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
  return (await isThere(`${path}-wal`)) ? 'another program has it open' : holderOf(path);
}

/** A process that has the file open, where the system shows it (Linux, and not those of other users). */
async function holderOf(path: string): Promise<string | undefined> {
  const { dev, ino } = await stat(path);
  const others = (await entriesOf('/proc')).filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid));
  for (const pid of others) {
    for (const fd of await entriesOf(`/proc/${pid}/fd`)) {
      const link = `/proc/${pid}/fd/${fd}`;
      // A container may see it in another folder. Nothing else is looked at: it may lie on a disk that is gone.
      if (basename(await readlink(link).catch(() => '')) !== basename(path)) continue;
      const held = await stat(link).catch(() => undefined);
      if (held?.dev === dev && held.ino === ino) return `process ${pid} (${await nameOf(pid)}) has it open`;
    }
  }
  return undefined;
}

const entriesOf = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

/** A program may call itself anything. */
async function nameOf(pid: string): Promise<string> {
  const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
  return name.replaceAll(/[^\w.:-]/g, '') || 'unknown';
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
