/** Files that a person names on the command line. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';

/**
 * Reads a file that an earlier step has written.
 * @param hint - what to name instead
 * @throws HoldfastError INPUT_UNREADABLE
 */
export async function readInput(file: string, hint: string): Promise<Buffer> {
  try {
    return await readFile(resolve(file));
  } catch (error) {
    throw new HoldfastError({
      code: 'INPUT_UNREADABLE',
      exit: 'usage',
      message: `cannot read ${file}: ${reasonOf(error)}`,
      hint,
      cause: error,
    });
  }
}
