/** holdfast itself, by its documented command line only. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Command } from '../measure.ts';
import { run } from '../processes.ts';
import type { Contestant, Place, Repository } from './contestant.ts';
import { folderBytes } from './contestant.ts';

export const HOLDFAST = 'holdfast';
const PROGRAM = fileURLToPath(new URL('../../../bin/holdfast.js', import.meta.url));
const CONFIG = ['-c', 'holdfast.yaml'];
const KEY = ['--key', 'ops.key'];

/** False while the program is not there yet: then only the peers run. */
export function holdfastExists(): boolean {
  return existsSync(PROGRAM);
}

export const holdfast: Contestant = {
  name: HOLDFAST,
  open: async (place: Place): Promise<Repository> => {
    const store = join(place.folder, 'store');
    const source = ['--set', 'shop', '--source', 'postgres', '--url', place.databaseUrl];
    const init = [
      'init',
      '--yes',
      '--store',
      `file://${store}`,
      ...source,
      '--private-key-out',
      'ops.key',
      ...CONFIG,
    ];
    await run(PROGRAM, init, {
      env: place.env,
      cwd: place.folder,
      signal: place.signal,
    });
    return {
      backup: () => holdfastCommand(place, ['backup', 'shop', '--json', ...CONFIG], 'keep'),
      cat: () => holdfastCommand(place, ['cat', 'shop', ...KEY, ...CONFIG], 'discard'),
      restore: (_label, copy) =>
        holdfastCommand(
          place,
          ['restore', 'shop', '--to', place.urlOf(copy), '--jobs', '2', '--json', ...KEY, ...CONFIG],
          'keep',
        ),
      storedBytes: () => folderBytes(store),
    };
  },
};

/**
 * Commands whose start is measured: nothing but the program coming up, and a look into the local store.
 * @param single - the single executable
 */
export function startupCommands(place: Place, single: string): Readonly<Record<StartupStep, Command>> {
  const started = { env: place.env, cwd: place.folder, output: 'discard' } as const;
  return {
    help: holdfastCommand(place, ['--help'], 'discard'),
    snapshots: holdfastCommand(place, ['snapshots', ...CONFIG], 'discard'),
    'single-help': { ...started, argv: [single, '--help'] },
    'single-snapshots': { ...started, argv: [single, 'snapshots', ...CONFIG] },
  };
}

export type StartupStep = 'help' | 'snapshots' | 'single-help' | 'single-snapshots';

/**
 * The share of segments (0 to 1) that a backup found in its chain, from what `backup --json` printed: the one
 * object in it that counts `segments` and `new_segments`, at whatever depth.
 *
 * @throws Error when no line says it
 */
export function reusedShare(output: string): number {
  for (const line of output.trim().split('\n')) {
    const counts = segmentCounts(JSON.parse(line));
    if (counts !== undefined) return 1 - counts.added / counts.all;
  }
  throw new Error(`backup --json does not count its segments: ${output.trim()}`);
}

function segmentCounts(value: unknown): { readonly all: number; readonly added: number } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { segments: all, new_segments: added } = value as { segments?: unknown; new_segments?: unknown };
  if (typeof all === 'number' && typeof added === 'number' && all > 0) return { all, added };
  for (const inner of Object.values(value)) {
    const found = segmentCounts(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A run of the program in a folder. */
export function holdfastCommand(
  place: Pick<Place, 'env' | 'folder'>,
  args: readonly string[],
  output: Command['output'],
): Command {
  return { argv: [PROGRAM, ...args], env: place.env, cwd: place.folder, output };
}
