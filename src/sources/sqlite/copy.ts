/**
 * A private copy of the database at one moment, made with SQLite's online backup.
 *
 * The dump takes minutes and the copy seconds, so the application's locks and its WAL are held for seconds. The
 * copy is plain text of everything: only its owner may read it, and it goes in every case. What a killed run left
 * behind goes at the next start.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import { HoldfastError, throwIfCancelled } from '../../errors.ts';
import { copyFailed, databaseCorrupt } from './errors.ts';
import { named, openMoment, readHeader, type OpenOptions } from './open.ts';

export interface DatabaseCopy {
  readonly db: DatabaseSync;
  /** Closes and removes the copy. */
  remove(): Promise<void>;
}

/** 16 MiB with the usual page size: after each step a cancellation is noticed. */
const PAGES_PER_STEP = 4096;

/**
 * Copies the database into the scratch folder.
 *
 * @param path - absolute path of the database
 * @param scratch - private folder, made (0700) when absent
 * @throws HoldfastError those of readHeader and openMoment, SQLITE_COPY, SQLITE_CORRUPT
 */
export async function copyDatabase(
  path: string,
  scratch: string,
  options: OpenOptions,
): Promise<DatabaseCopy> {
  const file = await makeEmptyFile(scratch);
  ownFiles.add(file);
  const remove = async (): Promise<void> => {
    await Promise.all(['', ...COMPANIONS].map((suffix) => rm(file + suffix, { force: true })));
    ownFiles.delete(file);
  };
  try {
    await copyInto(path, file, scratch, options);
    const db = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    return {
      db,
      remove: async () => {
        if (db.isOpen) db.close();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Copies that this process is using. */
const ownFiles = new Set<string>();
const COMPANIONS = ['-journal', '-wal', '-shm'];
const COPY_NAME = /^sqlite-copy-(\d+)-[0-9a-f]{16}\.db(?:-journal|-wal|-shm)?$/;

async function makeEmptyFile(scratch: string): Promise<string> {
  try {
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    await removeLeftovers(scratch);
    const file = join(scratch, `sqlite-copy-${process.pid}-${randomBytes(8).toString('hex')}.db`);
    // SQLite keeps the mode of a file that is there, and gives it to the journal beside it.
    await (await open(file, 'wx', 0o600)).close();
    return file;
  } catch (error) {
    throw copyFailed(scratch, error);
  }
}

/** Removes the copies of processes that are gone, and those with our own number that we did not make. */
async function removeLeftovers(scratch: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    const owner = COPY_NAME.exec(name)?.[1];
    const file = join(scratch, name);
    if (owner === undefined) continue;
    const inUse = Number(owner) === process.pid ? isOwn(file) : isRunning(Number(owner));
    if (!inUse) await rm(file, { force: true });
  }
}

function isOwn(file: string): boolean {
  return ['', ...COMPANIONS].some((suffix) => file.endsWith(suffix) && ownFiles.has(cutSuffix(file, suffix)));
}

function cutSuffix(file: string, suffix: string): string {
  return file.slice(0, file.length - suffix.length);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function copyInto(path: string, file: string, scratch: string, options: OpenOptions): Promise<void> {
  const { signal } = options;
  const source = await openMoment(path, await readHeader(path), options);
  try {
    // Within the read transaction the source cannot change, so no step ever starts over because of a writer.
    await backup(source, file, { rate: PAGES_PER_STEP, progress: () => throwIfCancelled(signal) });
    throwIfCancelled(signal);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const reason = named(path, error);
    throw reason instanceof HoldfastError && reason.code === 'SQLITE_CORRUPT'
      ? reason
      : copyFailed(scratch, error);
  } finally {
    source.close();
  }
}

/**
 * Looks for damage with `PRAGMA quick_check`.
 *
 * @param db - the copy
 * @param path - what the user calls the database
 * @throws HoldfastError SQLITE_CORRUPT
 */
export function checkIntegrity(db: DatabaseSync, path: string): void {
  // A CHECK that old rows do not pass is the application's business, not damage.
  db.exec('PRAGMA ignore_check_constraints=ON');
  const [first] = db.prepare('PRAGMA quick_check(1)').all();
  const report = String(Object.values(first ?? {})[0]);
  if (report !== 'ok') throw databaseCorrupt(path, report.replaceAll('\n', '; '));
}
