/** `pg_dump | zstd -3 | gpg`: what people write themselves. A public key of today's kind, gpg's own compression off. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { run } from '../processes.ts';
import type { Contestant, Place, Repository } from './contestant.ts';
import { folderBytes, pipeline } from './contestant.ts';

const RECIPIENT = 'bench@example.invalid';

export const gpg: Contestant = {
  name: 'zstd+gpg',
  open: async (place: Place): Promise<Repository> => {
    const home = join(place.folder, 'gnupg');
    const files = join(place.folder, 'files');
    await mkdir(home, { mode: 0o700 });
    await mkdir(files);
    const env = { ...place.env, GNUPGHOME: home };
    const make = [
      '--batch',
      '--quiet',
      '--passphrase',
      '',
      '--quick-generate-key',
      RECIPIENT,
      'future-default',
      'default',
      'never',
    ];
    await run('gpg', make, { env, cwd: place.folder, signal: place.signal });

    const step = (
      name: string,
      label: string,
      variables: Readonly<Record<string, string>> = {},
    ): ReturnType<typeof pipeline> =>
      pipeline(place, name, {
        GNUPGHOME: home,
        RECIPIENT,
        FILE: join(files, `${label}.sql.zst.gpg`),
        ...variables,
      });
    return {
      backup: (label) => step('gpg-backup', label),
      cat: (label) => step('gpg-cat', label),
      restore: (label, copy) => step('gpg-restore', label, { COPY: copy, COPY_URL: place.urlOf(copy) }),
      storedBytes: () => folderBytes(files),
      close: async () => {
        await run('gpgconf', ['--kill', 'gpg-agent'], {
          env,
          cwd: place.folder,
          signal: AbortSignal.timeout(5000),
        });
      },
    };
  },
};
