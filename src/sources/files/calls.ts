/**
 * The file system calls that this folder makes, on plain descriptors.
 *
 * Twenty thousand small files are two hundred thousand calls. Handed to a thread each costs some ten times what it costs
 * at once, as long as the answer is in memory; where it has to come from a slow disk or over a network, waiting for it
 * at once would hold up everything else. So calls are made at once while they are quick, and handed over as soon as
 * they are not.
 */
import * as fs from 'node:fs';
import { promisify } from 'node:util';

export const open = paced(fs.openSync, promisify(fs.open));
export const close = paced(fs.closeSync, promisify(fs.close));
export const fchmod = paced(fs.fchmodSync, promisify(fs.fchmod));
export const fchown = paced(fs.fchownSync, promisify(fs.fchown));
export const ftruncate = paced(fs.ftruncateSync, promisify(fs.ftruncate));
export const futimes = paced(fs.futimesSync, promisify(fs.futimes));
export const lchown = paced(fs.lchownSync, promisify(fs.lchown));
export const link = paced(fs.linkSync, promisify(fs.link));
export const lutimes = paced(fs.lutimesSync, promisify(fs.lutimes));
export const mkdir = paced(
  (path: Buffer, mode: number): void => fs.mkdirSync(path, mode),
  (path, mode) => fs.promises.mkdir(path, mode),
);
export const symlink = paced(
  (target: Buffer, path: Buffer): void => fs.symlinkSync(target, path),
  (target, path) => fs.promises.symlink(target, path),
);

/** What is known of a file, in nanoseconds and without rounding. */
export type Stat = fs.BigIntStats;

/** Of the name itself; a link is not followed. */
export const lstat = paced(
  (path: Buffer): Stat => fs.lstatSync(path, { bigint: true }),
  (path) => fs.promises.lstat(path, { bigint: true }),
);

export const fstat = paced(
  (fd: number): Stat => fs.fstatSync(fd, { bigint: true }),
  (fd) =>
    new Promise((resolve, reject) => {
      fs.fstat(fd, { bigint: true }, (error, stat) => (error ? reject(error) : resolve(stat)));
    }),
);

export const readlink = paced(
  (path: Buffer): Buffer => fs.readlinkSync(path, { encoding: 'buffer' }),
  (path) => fs.promises.readlink(path, { encoding: 'buffer' }),
);

export const readdir = paced(
  (path: Buffer): Buffer[] => fs.readdirSync(path, { encoding: 'buffer' }),
  (path) => fs.promises.readdir(path, { encoding: 'buffer' }),
);

const readSome = paced(
  (fd: number, buffer: Buffer, offset: number, position: number): number =>
    fs.readSync(fd, buffer, offset, buffer.length - offset, position),
  (fd, buffer, offset, position) =>
    new Promise((resolve, reject) => {
      const length = buffer.length - offset;
      fs.read(fd, buffer, offset, length, position, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    }),
);

const writeSome = paced(
  (fd: number, bytes: Buffer, offset: number, position: number): number =>
    fs.writeSync(fd, bytes, offset, bytes.length - offset, position),
  (fd, bytes, offset, position) =>
    new Promise((resolve, reject) => {
      const length = bytes.length - offset;
      fs.write(fd, bytes, offset, length, position, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    }),
);

/**
 * Reads until the buffer is full or the file ends.
 * @param position - in the file, in bytes
 * @returns how many bytes were read
 */
export async function readFully(fd: number, buffer: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < buffer.length) {
    const count = await readSome(fd, buffer, done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Writes all of it at a position in the file, in bytes. */
export async function writeFully(fd: number, bytes: Buffer, position: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) done += await writeSome(fd, bytes, done, position + done);
}

/** The system's code of an error: `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** A mean call that takes longer than this, in milliseconds, is worth a thread. */
const SLOW_MS = 0.4;
/** How much the newest call counts in the mean. */
const WEIGHT = 0.1;
/** So many calls are handed over before one is tried at once again. */
const CALLS_HANDED_OVER = 500;

/** Of all calls of this process: they share the threads. */
const pace = { meanMs: 0, handOver: 0 };

/** A call that is made at once or handed to a thread, whichever pays. */
function paced<A extends readonly unknown[], R>(
  atOnce: (...args: A) => R,
  inThread: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  return async (...args) => {
    if (pace.handOver > 0) {
      pace.handOver--;
      return inThread(...args);
    }
    const start = performance.now();
    try {
      return atOnce(...args);
    } finally {
      pace.meanMs += (performance.now() - start - pace.meanMs) * WEIGHT;
      if (pace.meanMs > SLOW_MS) [pace.meanMs, pace.handOver] = [0, CALLS_HANDED_OVER];
    }
  };
}
