/** The way out without this program, as it lies in every store. */
import { readFile } from 'node:fs/promises';

export interface RecoveryFile {
  readonly name: 'RECOVERY.md' | 'recover.sh';
  readonly bytes: Buffer;
}

/** The files that `init` puts into a store; recover.sh is signed beside it. */
export async function recoveryFiles(): Promise<RecoveryFile[]> {
  const names = ['RECOVERY.md', 'recover.sh'] as const;
  return Promise.all(
    names.map(async (name) => ({ name, bytes: await readFile(new URL(`./${name}`, import.meta.url)) })),
  );
}
