/** Swapping the names of two files or folders. */
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
  /** Endings of files that may come to lie beside it, and are part of it: they go along on the way back. */
  readonly beside?: readonly string[];
  /** Who uses it, for people, also when it is not there; asked before anything is renamed. */
  readonly users?: (path: string) => Promise<string | undefined>;
}

/** Nothing is touched yet. */
export function pathSwap({ restored, name, suffix, beside = [], users }: PathSwapOptions): Swap {
  const inUse = resolve(name);
  const aside = `${inUse}.${suffix}`;
  const usersNow = async () => users?.(inUse);
  return {
    users: usersNow,
    run: async () => {
      const found = await usersNow();
      if (found !== undefined)
        throw swapInUse(inUse, found, 'Stop the application that uses it, and run the swap again.');
      return swapPaths({ restored, inUse, aside, beside });
    },
  };
}

interface Paths {
  readonly restored: string;
  readonly inUse: string;
  readonly aside: string;
  readonly beside: readonly string[];
}

async function swapPaths({ restored, inUse, aside, beside }: Paths): Promise<SwapReport> {
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
    // Left where it is, the log of the one would be played into the other.
    ...(beside.length === 0 ? [] : [moveBeside(inUse, restored, beside)]),
    ...(wasThere ? [`mv ${shellWord(aside)} ${shellWord(inUse)}`] : []),
  ];
  return { name: inUse, aside: wasThere ? aside : undefined, wayBack: back };
}

function moveBeside(from: string, to: string, endings: readonly string[]): string {
  const [of, into] = [shellWord(from), shellWord(to)];
  return `for end in ${endings.join(' ')}; do if [ -e ${of}$end ]; then mv ${of}$end ${into}$end; fi; done`;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
