/** A file that is there whole, or not at all, and never in the place of another. */
import { constants } from 'node:fs';
import { access, link, open, rename, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { HoldfastError } from '../errors.ts';
import { cannotWriteOutput, outputExists } from './errors.ts';

/** A file under another name, until it is complete. */
export interface OutputFile extends AsyncDisposable {
  write(bytes: Uint8Array): Promise<void>;
  /** What was written is on the disk: from here on the ledger may say that it is there. */
  settle(): Promise<void>;
  /**
   * Gives it its name, and both survive a power cut.
   * @param path - when the name was not known before; in the same folder
   */
  commit(path?: string): Promise<string>;
}

/**
 * Begins a file, readable by its owner only. Disposed of before `commit` nothing is left of it.
 * @throws HoldfastError SEAL_TARGET_EXISTS, SEAL_NOT_WRITTEN
 */
export async function beginFile(path: string): Promise<OutputFile> {
  await mustNotExist(path);
  const temporary = join(
    dirname(path),
    `.${basename(path).slice(0, 100)}.${randomBytes(4).toString('hex')}.part`,
  );
  const file = await attempt(path, () => open(temporary, 'wx', 0o600));
  let isThere = true;
  return {
    write: (bytes) => attempt(path, () => file.writeFile(bytes)),
    settle: () => attempt(path, () => file.sync()),
    commit: async (final = path) => {
      await attempt(final, async () => {
        await file.sync();
        await file.close();
        await nameIt(temporary, final);
        await settleFolder(dirname(final));
      });
      isThere = false;
      return final;
    },
    [Symbol.asyncDispose]: async () => {
      if (!isThere) return;
      await file.close().catch(() => undefined);
      await rm(temporary, { force: true });
    },
  };
}

/** @throws HoldfastError SEAL_TARGET_EXISTS */
async function mustNotExist(path: string): Promise<void> {
  const isThere = await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
  if (isThere) throw outputExists(path);
}

/** A hard link refuses a name that is taken; file systems of USB sticks have none. */
async function nameIt(temporary: string, final: string): Promise<void> {
  try {
    await link(temporary, final);
    await rm(temporary);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw outputExists(final);
    await mustNotExist(final);
    await rename(temporary, final);
  }
}

/** Names in it survive a power cut, where a file system can say so, and we may read the folder. */
async function settleFolder(path: string): Promise<void> {
  try {
    await using folder = await open(path);
    await folder.sync();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EIO') throw error;
  }
}

async function attempt<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (cause) {
    throw cause instanceof HoldfastError ? cause : cannotWriteOutput(path, cause);
  }
}
