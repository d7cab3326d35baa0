/**
 * borg from standard input, with its usual encryption and chunker, twice: compressed as everybody else here is
 * (zstd 3), and with its default lz4, which is faster and stores half as much again.
 */
import { join } from 'node:path';

import { run } from '../processes.ts';
import type { Contestant, Place, Repository } from './contestant.ts';
import { folderBytes, pipeline } from './contestant.ts';

export const borg = borgWith('borg', 'zstd,3');
export const borgLz4 = borgWith('borg-lz4', 'lz4');

function borgWith(name: string, compression: string): Contestant {
  return { name, open: (place) => openBorg(place, compression) };
}

async function openBorg(place: Place, compression: string): Promise<Repository> {
  const repository = join(place.folder, 'repository');
  const variables = {
    BORG_REPO: repository,
    BORG_PASSPHRASE: 'bench',
    BORG_BASE_DIR: join(place.folder, 'base'),
    COMPRESSION: compression,
  };
  const env = { ...place.env, ...variables };
  await run('borg', ['init', '--encryption=repokey'], { env, cwd: place.folder, signal: place.signal });
  return {
    backup: (label) => pipeline(place, 'borg-backup', { ...variables, ARCHIVE: label }),
    cat: (label) => pipeline(place, 'borg-cat', { ...variables, ARCHIVE: label }),
    storedBytes: () => folderBytes(repository),
  };
}
