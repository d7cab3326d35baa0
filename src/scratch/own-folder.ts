/** Scratches that are no servers: each in a folder of its own, which goes. */
import { throwIfCancelled } from '../errors.ts';
import { makeScratchFolder } from './folder.ts';
import type { ScratchSpace } from './scratch.ts';

/**
 * Makes a folder for each snapshot.
 * @param name - of the space, for people
 * @param targetIn - what a loader makes in a folder, by its path
 */
export function inOwnFolders(name: string, targetIn: (path: string) => string): ScratchSpace {
  return {
    name,
    isOwn: true,
    open: async (signal) => {
      throwIfCancelled(signal);
      const folder = await makeScratchFolder();
      return { target: targetIn(folder.path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
