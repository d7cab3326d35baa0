/** The folder that a restore makes: what may stand at its path, and how it gets there whole or not at all. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from './calls.ts';
import { targetTaken, writeFailed } from './errors.ts';
import { fromText } from '../../rows/files/names.ts';

export interface TargetState {
  readonly exists: boolean;
  /** Why the path is taken, as the end of a sentence that begins with the path; undefined when it is free. */
  readonly occupied?: string;
  /** Why nothing can be written there, one sentence. */
  readonly problem?: string;
}

/** Looks at the path and changes nothing. */
export async function inspectTarget(path: string): Promise<TargetState> {
  const found = await lstat(path).catch(() => undefined);
  const folder = dirname(path);
  const problem = await access(folder, constants.W_OK | constants.X_OK).then(
    () => undefined,
    () => `The folder ${folder} does not exist or may not be written to: make it, or choose another path.`,
  );
  if (!found) return { exists: false, ...(problem && { problem }) };
  if (!found.isDirectory()) return { exists: true, occupied: 'is there, and is no folder' };
  const names = await readdir(path).catch(() => undefined);
  if (!names) return { exists: true, problem: `The folder ${path} cannot be read: choose another path.` };
  return { exists: true, ...(names.length > 0 && { occupied: 'is a folder that holds something' }) };
}

/** A new folder that only its owner can enter. */
export interface DraftFolder {
  readonly path: string;
  /** Puts it at the target's path, unless something has come there meanwhile. */
  place(): Promise<void>;
  /** Removes it with all that is in it; does nothing to a placed one. */
  discard(): Promise<void>;
}

/**
 * Begins the folder that `place` later puts at the path. Where an empty folder is already, it is filled where it is:
 * it may be the root of a volume.
 * @throws HoldfastError FILES_WRITE
 */
export async function draftFolder(target: string, { exists }: TargetState): Promise<DraftFolder> {
  if (exists) return existingFolder(target);
  const path = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    throw writeFailed(fromText(target), error);
  }
  return {
    path,
    place: () => placeFolder(path, target),
    discard: () => rm(path, { recursive: true, force: true }),
  };
}

/** rename(2) replaces an empty folder, and nothing else. */
async function placeFolder(path: string, target: string): Promise<void> {
  try {
    await rename(path, target);
  } catch (error) {
    const isTaken = ['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(codeOf(error) ?? '');
    throw isTaken ? targetTaken(target, 'has appeared meanwhile') : writeFailed(fromText(target), error);
  }
}

function existingFolder(target: string): DraftFolder {
  let isPlaced = false;
  return {
    path: target,
    place: () => {
      isPlaced = true;
      return Promise.resolve();
    },
    discard: async () => {
      if (isPlaced) return;
      const names = await readdir(target, { encoding: 'buffer' });
      const within = (name: Buffer) => Buffer.concat([Buffer.from(`${target}/`), name]);
      await Promise.all(names.map((name) => rm(within(name), { recursive: true, force: true })));
    },
  };
}
