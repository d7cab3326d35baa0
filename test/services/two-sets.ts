/** A second set for a machine whose configuration init made with one. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Machine } from './machines.ts';

/** Adds an SQLite database as another set to the machine's configuration. */
export async function addSet(machine: Machine, name: string, path: string): Promise<void> {
  const file = join(machine.folder, 'holdfast.yaml');
  const set = `sets:\n  ${name}: { source: sqlite, path: ${path}, keep: 30d }\n`;
  await writeFile(file, (await readFile(file, 'utf8')).replace('sets:\n', set));
}
