/** A second set for a host that init made with one. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from './machines.ts';

/** Adds an SQLite database as another set to the host's configuration. */
export async function addSet(host: Host, name: string, path: string): Promise<void> {
  const file = join(host.folder, 'holdfast.yaml');
  const set = `sets:\n  ${name}: { source: sqlite, path: ${path}, keep: 30d }\n`;
  await writeFile(file, (await readFile(file, 'utf8')).replace('sets:\n', set));
}
