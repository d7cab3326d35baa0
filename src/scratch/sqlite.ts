/** Scratch databases of SQLite: files in a folder that goes. */
import { join } from 'node:path';
import { inOwnFolders } from './own-folder.ts';
import type { ScratchSpace } from './scratch.ts';

/** Each database is in a folder of its own, since SQLite writes files beside it. */
export function sqliteScratch(): ScratchSpace {
  return inOwnFolders('a temporary file', (folder) => join(folder, 'scratch.db'));
}
