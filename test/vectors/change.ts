/** Doing to a store what a vector of a refusal says. */
import { appendFile, cp, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Change } from './kit.ts';

/**
 * Changes a copy of a store of vectors.
 * @param objects - folder with the prepared objects
 */
export async function applyChange(change: Change, root: string, objects: string): Promise<void> {
  const file = join(root, change.file);
  await mkdir(dirname(file), { recursive: true });
  if (change.do === 'flip') {
    const bytes = await readFile(file);
    bytes[change.at] = (bytes[change.at] ?? 0) ^ 1;
    await writeFile(file, bytes);
  }
  if (change.do === 'truncate') await truncate(file, change.to);
  if (change.do === 'append') await appendFile(file, change.text);
  if (change.do === 'remove') await rm(file);
  if (change.do === 'copy') await cp(join(root, change.from), file);
  if (change.do === 'put') await cp(join(objects, change.object), file);
  if (change.do === 'swap') {
    await rename(file, `${file}.swapped`);
    await rename(join(root, change.with), file);
    await rename(`${file}.swapped`, join(root, change.with));
  }
}
