/** The way out without this program: the files that every store carries, so that gpg and a shell are enough. */
import { readFile } from 'node:fs/promises';
import type { RECOVERY_FILES } from '../repository/layout.ts';

const NAMES = ['RECOVERY.md', 'recover.sh'] as const satisfies readonly (typeof RECOVERY_FILES)[number][];

export interface RecoveryFile {
  readonly name: (typeof NAMES)[number];
  readonly bytes: Buffer;
}

/** Reads the files that lie beside this module, in `src` as in the built `dist`. */
export function recoveryFiles(): Promise<RecoveryFile[]> {
  return Promise.all(
    NAMES.map(async (name) => ({ name, bytes: await readFile(new URL(name, import.meta.url)) })),
  );
}
