/**
 * Makes the vectors. They were made once, for format 1, and are never made again while it lives: a test that reads
 * what this version writes proves nothing about what was written before. To see how it works, or for a format 2:
 *
 *     rm -r accepted refused keys parts *.json && node make.ts && npx prettier --write '*.json' parts
 *
 * The keys in `keys/` open nothing but these vectors.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FOLDER, KEY_NAMES, keyFile, newKey, readKeys } from './kit.ts';
import { makeAccepted } from './make-accepted.ts';
import { makeParts } from './make-parts.ts';
import { makeRefused } from './make-refused.ts';

await mkdir(join(FOLDER, 'keys'));
for (const name of KEY_NAMES) await writeFile(keyFile(name), (await newKey(name)).armor(), { flag: 'wx' });
const keys = await readKeys();
const state = join(FOLDER, 'state.tmp');
try {
  const accepted = await makeAccepted(keys, state);
  await writeFile(join(FOLDER, 'accepted.json'), JSON.stringify(accepted, null, 2));
  await writeFile(join(FOLDER, 'refused.json'), JSON.stringify(await makeRefused(keys, accepted, state), null, 2));
  await makeParts(keys);
} finally {
  await rm(state, { recursive: true, force: true });
}
