/** Small JSON files in the state folder: private, written whole or not at all. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { reasonOf } from '../errors.ts';
import { stateUnusable } from './errors.ts';

/** The folder of one set's state on this host. */
export function setStateFolder(stateDir: string, storeId: string, set: string): string {
  return join(stateDir, storeId, set);
}

export async function makePrivateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw stateUnusable(folder, reasonOf(cause), cause);
  }
}

/** Reads a state file; undefined when it is not there. A damaged one is an error: guessing would cost more. */
export async function readState<T>(file: string, schema: z.ZodType<T>): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw stateUnusable(file, reasonOf(cause), cause);
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw stateUnusable(file, 'its content is damaged', cause);
  }
}

/** Replaces a state file atomically, mode 0600, flushed to disk before and after the rename. */
export async function writeState(file: string, value: unknown): Promise<void> {
  // A name of our own: another command of this host may write the same file now.
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.new`;
  try {
    await makePrivateFolder(dirname(file));
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(value)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(dirname(file));
  } catch (cause) {
    await rm(temporary, { force: true });
    throw stateUnusable(file, reasonOf(cause), cause);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
