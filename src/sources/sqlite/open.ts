/** Opening the application's database with as little trace as SQLite allows, and naming what SQLite complains about. */
import { constants as fsConstants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { HoldfastError, throwIfCancelled } from '../../errors.ts';
import {
  accessDenied,
  databaseCorrupt,
  databaseLocked,
  databaseMissing,
  notADatabase,
  sqliteFailed,
} from './errors.ts';

/** What the first 100 bytes of the file say (sqlite.org/fileformat2.html section 1.3). */
export interface Header {
  /** The last writer asked for WAL mode. */
  readonly wal: boolean;
  /** The SQLite that wrote last, as 3.40.1. */
  readonly writtenBy: string;
}

/**
 * Reads the header without SQLite.
 * @throws HoldfastError SQLITE_MISSING, SQLITE_DENIED, SQLITE_NOT_A_DATABASE
 */
export async function readHeader(path: string): Promise<Header> {
  const bytes = await firstBytes(path);
  if (bytes.length === 0) throw notADatabase(path, 'the file is empty');
  if (bytes.toString('latin1', 0, 16) !== 'SQLite format 3\0') throw notADatabase(path, 'unknown header');
  if (bytes.length < HEADER_BYTES) throw notADatabase(path, 'the file is too short');
  const version = bytes.readUInt32BE(96);
  const parts = [Math.floor(version / 1e6), Math.floor(version / 1000) % 1000, version % 1000];
  return { wal: bytes[19] === 2, writtenBy: parts.join('.') };
}

const HEADER_BYTES = 100;

async function firstBytes(path: string): Promise<Buffer> {
  try {
    if ((await stat(path)).isDirectory()) throw notADatabase(path, 'it is a folder');
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw databaseMissing(path);
    throw code === 'EACCES' || code === 'EPERM' ? accessDenied(path, error) : sqliteFailed(path, error);
  }
}

/** How long to wait for a lock of another process, unless told otherwise. */
export const LOCK_PATIENCE_SECONDS = 30;

export interface OpenOptions {
  /** How long to wait for a lock of another process, in seconds. */
  readonly lockPatience: number;
  readonly signal: AbortSignal;
}

/**
 * Opens the database inside a read transaction: what is read through it is one moment, and stays it until
 * the connection is closed. In WAL mode the application goes on writing; otherwise its commits wait.
 *
 * @param path - absolute path
 * @param header - what `readHeader` said
 * @throws HoldfastError SQLITE_LOCKED, SQLITE_DENIED, SQLITE_NOT_A_DATABASE, SQLITE_CORRUPT
 */
export async function openMoment(path: string, header: Header, options: OpenOptions): Promise<DatabaseSync> {
  const { lockPatience, signal } = options;
  const deadline = Date.now() + lockPatience * 1000;
  let readOnly = !(await mustWrite(path, header));
  for (;;) {
    throwIfCancelled(signal);
    try {
      return beginReading(path, readOnly);
    } catch (error) {
      const kind = primaryCode(error);
      // A journal of a crashed application has to be rolled back first, and only a writer may do that.
      if (readOnly && (kind === CODE.readOnly || kind === CODE.cannotOpen) && (await mayWrite(path))) {
        readOnly = false;
      } else if (kind !== CODE.busy) {
        throw named(path, error);
      } else if (Date.now() > deadline) {
        throw databaseLocked(path, lockPatience, error);
      } else {
        await sleep(20 + Math.random() * 80);
      }
    }
  }
}

/**
 * A reader of a database in WAL mode that nobody has open would leave `-wal` and `-shm` files behind, with our
 * owner; a writer removes them when it closes.
 */
async function mustWrite(path: string, header: Header): Promise<boolean> {
  if (!header.wal) return false;
  const inUse = await access(`${path}-shm`).then(
    () => true,
    () => false,
  );
  return !inUse && (await mayWrite(path));
}

function mayWrite(path: string): Promise<boolean> {
  return access(path, fsConstants.W_OK).then(
    () => true,
    () => false,
  );
}

function beginReading(path: string, readOnly: boolean): DatabaseSync {
  // SQLite waits for a lock inside a call, which stops this process: so it waits briefly, and we try again.
  const db = new DatabaseSync(path, { readOnly, timeout: 50 });
  try {
    db.exec('PRAGMA trusted_schema=OFF; BEGIN; SELECT 1 FROM sqlite_schema');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Primary result codes (sqlite.org/rescode.html). */
const CODE = { busy: 5, readOnly: 8, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;

/** SQLite's primary result code, or undefined for an error of another origin. */
function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return Number(error.errcode) & 0xff;
}

/** An error of SQLite while it read the source, by its name; any other error as it is. */
export function named(path: string, error: unknown): unknown {
  const code = primaryCode(error);
  if (code === undefined) return error;
  if (code === CODE.corrupt) return databaseCorrupt(path, (error as Error).message, error);
  if (code === CODE.notADatabase) return notADatabase(path, (error as Error).message, error);
  if (code === CODE.cannotOpen || code === CODE.readOnly) return accessDenied(path, error);
  return sqliteFailed(path, error);
}
