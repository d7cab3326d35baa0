/** Results that go into a file which is made again and again: the new one takes the place of the last when it is whole. */
import { rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';

/**
 * Writes it, readable to others.
 * @throws HoldfastError OUTPUT_NOT_WRITTEN
 */
export async function writeOutputFile(path: string, bytes: Buffer | string): Promise<void> {
  const file = resolve(path);
  const part = `${file}.${process.pid}.part`;
  try {
    await writeFile(part, bytes, { flag: 'wx', mode: 0o644 });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw new HoldfastError({
      code: 'OUTPUT_NOT_WRITTEN',
      exit: 'failed',
      message: `cannot write ${path}: ${reasonOf(error)}`,
      hint: 'Name a file in a folder that is there and that you may write to, with -o.',
      cause: error,
    });
  }
}
