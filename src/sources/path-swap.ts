/** Swapping the names of two files or folders, with whatever lies beside them and belongs to them. */
import { rename, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { shellWord } from '../shell-word.ts';
import { swapFailed, swapInUse, swapTaken } from './swap.ts';
import type { Swap, SwapReport } from './swap.ts';

export interface PathSwapOptions {
  /** Absolute path of what was restored. */
  readonly restored: string;
  /** Path of what is in use, on the same file system. */
  readonly name: string;
  readonly suffix: string;
  /** Who uses it, for people; asked before anything is renamed. */
  readonly users?: (path: string) => Promise<string | undefined>;
}

/** Nothing is touched yet. */
export function pathSwap({ restored, name, suffix, users }: PathSwapOptions): Swap {
  const inUse = resolve(name);
  const aside = `${inUse}.${suffix}`;
  const usersNow = async () => ((await isThere(inUse)) ? users?.(inUse) : undefined);
  return {
    users: usersNow,
    run: async () => {
      const found = await usersNow();
      if (found !== undefined)
        throw swapInUse(inUse, found, 'Stop the application that uses it, and run the swap again.');
      return swapPaths(restored, inUse, aside);
    },
  };
}

async function swapPaths(restored: string, inUse: string, aside: string): Promise<SwapReport> {
  if (await isThere(aside)) throw swapTaken(aside);
  const wasThere = await isThere(inUse);
  try {
    if (wasThere) await rename(inUse, aside);
    try {
      await rename(restored, inUse);
    } catch (error) {
      if (wasThere) await rename(aside, inUse);
      throw error;
    }
  } catch (error) {
    throw swapFailed(inUse, error);
  }
  const back = [
    `mv ${shellWord(inUse)} ${shellWord(restored)}`,
    ...(wasThere ? [`mv ${shellWord(aside)} ${shellWord(inUse)}`] : []),
  ];
  return { name: inUse, aside: wasThere ? aside : undefined, wayBack: back };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
