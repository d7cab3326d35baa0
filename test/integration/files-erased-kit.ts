/** A folder as it would be if some of its files had never been there. */
import { rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from './files-kit.ts';

/** Copies a folder with all that `describeTree` tells of it, its hard links included. */
export async function copyTree(from: string, to: string): Promise<void> {
  await run('cp', ['-a', '--preserve=all', from, to]);
}

/** Removes these paths and all below them; the folders that they were in keep their time. */
export async function removePaths(root: string, paths: Iterable<string>): Promise<void> {
  for (const path of paths) {
    const folder = dirname(join(root, path));
    const before = await stat(folder).catch(() => undefined);
    await rm(join(root, path), { recursive: true, force: true });
    if (before) await utimes(folder, before.atimeMs / 1000, before.mtimeMs / 1000);
  }
}
