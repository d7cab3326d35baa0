/** Scratch folders of files: one that nobody else may enter, and which goes. */
import { join } from 'node:path';
import { throwIfCancelled } from '../errors.ts';
import { makeScratchFolder } from './folder.ts';
import type { ScratchFolder } from './folder.ts';
import type { Scratch, ScratchSpace } from './scratch.ts';

/** A folder for each snapshot; what is restored has its modes, but lies within one that only we may enter. */
export function filesScratch(): ScratchSpace {
  return {
    name: 'a temporary folder',
    isOwn: true,
    open: async (signal) => {
      throwIfCancelled(signal);
      return scratchIn(await makeScratchFolder());
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function scratchIn(folder: ScratchFolder): Scratch {
  return {
    target: join(folder.path, 'files'),
    brokenReferences: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
