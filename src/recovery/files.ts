/** The way out without this program: the files that every store carries, so that gpg and a shell are enough. */
import { readFile } from 'node:fs/promises';
import { getAsset, isSea } from 'node:sea';
import type { RECOVERY_FILES } from '../repository/layout.ts';

/** They lie beside this module, in `src` as in the built `dist`; the single executable has them as assets. */
export const NAMES = [
  'RECOVERY.md',
  'recover.sh',
] as const satisfies readonly (typeof RECOVERY_FILES)[number][];

export interface RecoveryFile {
  readonly name: (typeof NAMES)[number];
  readonly bytes: Buffer;
}

/** Reads them all. */
export function recoveryFiles(): Promise<RecoveryFile[]> {
  return Promise.all(NAMES.map(async (name) => ({ name, bytes: await read(name) })));
}

async function read(name: RecoveryFile['name']): Promise<Buffer> {
  return isSea() ? Buffer.from(getAsset(name)) : readFile(new URL(name, import.meta.url));
}
