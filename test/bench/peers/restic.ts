/** restic with its defaults (repository format 2, compression "auto" where this version has it), from standard input. */
import { join } from 'node:path';

import { run } from '../processes.ts';
import type { Contestant, Place, Repository } from './contestant.ts';
import { folderBytes, pipeline } from './contestant.ts';

export const restic: Contestant = {
  name: 'restic',
  open: async (place: Place): Promise<Repository> => {
    const repository = join(place.folder, 'repository');
    const variables = {
      RESTIC_REPOSITORY: repository,
      RESTIC_PASSWORD: 'bench',
      RESTIC_CACHE_DIR: join(place.folder, 'cache'),
    };
    await run('restic', ['init', '--quiet'], {
      env: { ...place.env, ...variables },
      cwd: place.folder,
      signal: place.signal,
    });
    return {
      backup: () => pipeline(place, 'restic-backup', variables),
      cat: () => pipeline(place, 'restic-cat', variables),
      storedBytes: () => folderBytes(repository),
    };
  },
};
