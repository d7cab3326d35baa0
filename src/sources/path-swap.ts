/** Swapping the names of two files or folders. */
import { rename, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { shellWord } from '../shell-word.ts';
import { swapFailed, swapInUse, swapItself, swapTaken } from './swap.ts';
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

/**
 * Nothing is touched yet.
 * @throws HoldfastError SWAP_ITSELF
 */
export function pathSwap({ restored, name, suffix, beside = [], users }: PathSwapOptions): Swap {
  const inUse = resolve(name);
  if (inUse === restored) throw swapItself(inUse);
  const aside = `${inUse}.${suffix}`;
  const usersNow = async () => users?.(inUse);
  const steps = [move(inUse, aside), ...moveBeside(inUse, aside, beside), move(restored, inUse)];
  const again = `Once nobody uses it, by hand: ${steps.join(' && ')}`;
  return {
    again: () => Promise.resolve(again),
    users: usersNow,
    mustBeAhead: () => Promise.resolve(),
    run: async () => {
      const found = await usersNow();
      if (found !== undefined) throw swapInUse(inUse, found, `Stop the application. ${again}`);
      return swapPaths({ restored, inUse, aside, beside, again });
    },
  };
}

function move(from: string, to: string): string {
  return `mv ${shellWord(from)} ${shellWord(to)}`;
}

interface Paths {
  readonly restored: string;
  readonly inUse: string;
  readonly aside: string;
  readonly beside: readonly string[];
  readonly again: string;
}

async function swapPaths({ restored, inUse, aside, beside, again }: Paths): Promise<SwapReport> {
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
    throw swapFailed(inUse, error, again);
  }
  const back = [
    move(inUse, restored),
    // Left where it is, the log of the one would be played into the other.
    ...moveBeside(inUse, restored, beside),
    ...(wasThere ? [move(aside, inUse)] : []),
  ];
  return { name: inUse, aside: wasThere ? aside : undefined, wayBack: back };
}

function moveBeside(from: string, to: string, endings: readonly string[]): string[] {
  if (endings.length === 0) return [];
  const [of, into] = [shellWord(from), shellWord(to)];
  return [`for end in ${endings.join(' ')}; do if [ -e ${of}$end ]; then mv ${of}$end ${into}$end; fi; done`];
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
