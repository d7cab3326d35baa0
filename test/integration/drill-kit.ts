/** What drills leave behind on a machine: nothing, which a folder for temporary files of their own shows. */
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import type { Place } from '../services/machines.ts';

/** A temporary folder of its own, through which also a server's user gets. */
export async function openTmp(): Promise<string> {
  const folder = await mkdtemp('/tmp/drill-');
  await chmod(folder, 0o755);
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** What processes of this machine were started with that name a folder. */
export async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return all.filter((args) => args.includes(folder));
}

/** The events of a set's ledger in a folder, in the order of their numbers. */
export async function eventsIn({ url }: Place, set = 'shop'): Promise<Record<string, unknown>[]> {
  const root = join(fileURLToPath(url), 'ledger', set);
  const files = await readdir(root, { recursive: true }).catch(() => []);
  const lines = files.filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    lines.map(async (name) => {
      const [line = ''] = (await readFile(join(root, name), 'utf8')).split('\n');
      return (JSON.parse(line) as { event: Record<string, unknown> }).event;
    }),
  );
}
