/** Scratches that are no servers: each in a folder of its own, which goes. */
import { throwIfCancelled } from '../errors.ts';
import { makeScratchFolder } from './folder.ts';
import type { Scratch, ScratchSpace } from './scratch.ts';

/**
 * Makes a folder for each snapshot.
 * @param name - of the space, for people
 * @param scratchIn - what is restored into a folder, by its path
 */
export function inOwnFolders(
  name: string,
  scratchIn: (path: string) => Pick<Scratch, 'target' | 'brokenReferences'>,
): ScratchSpace {
  return {
    name,
    isOwn: true,
    open: async (signal) => {
      throwIfCancelled(signal);
      const folder = await makeScratchFolder();
      return { ...scratchIn(folder.path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
