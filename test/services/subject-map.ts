/** Says in a machine's configuration what a person is. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machines.ts';

/**
 * Puts a subject map beside the configuration that init made, as `map.yaml`, and names it there.
 * @param lines - what else to say of the set
 */
export async function giveMap(
  { folder }: Pick<Machine, 'folder'>,
  map: string,
  lines: readonly string[] = [],
): Promise<void> {
  await writeFile(join(folder, 'map.yaml'), map);
  const file = join(folder, 'holdfast.yaml');
  const before = await readFile(file, 'utf8');
  const added = ['subjects: map.yaml', ...lines].map((line) => `\n$1${line}`).join('');
  const after = before.replace(/^( +)(source: \w+)$/m, `$1$2${added}`);
  if (after === before) throw new Error(`no set to give a map to in ${file}`);
  await writeFile(file, after);
}
