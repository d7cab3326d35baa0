/** Scratch folders of files: one that nobody else may enter, and which goes. */
import { join } from 'node:path';
import { inOwnFolders } from './own-folder.ts';
import type { ScratchSpace } from './scratch.ts';

/** A folder for each snapshot; what is restored has its modes, but lies within one that only we may enter. */
export function filesScratch(): ScratchSpace {
  return inOwnFolders('a temporary folder', (folder) => join(folder, 'files'));
}
