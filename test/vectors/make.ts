/**
 * Makes the vectors. They were made once, for format 1, and are never made again while it lives: a test that reads
 * what this version writes proves nothing about what was written before. To see how it works, or for a format 2:
 *
 *     rm -r accepted refused keys *.json && node make.ts && npx prettier --write '*.json' parts
 *
 * The keys in `keys/` open nothing but these vectors. `make-amended.ts` has made `amended/` later, from what is here.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGP, openpgp } from '../../src/openpgp/library.ts';
import { FOLDER, KEY_NAMES, keyFile, readKeys } from './kit.ts';
import { makeAccepted } from './make-accepted.ts';
import { makeParts } from './make-parts.ts';
import { makeRefused } from './make-refused.ts';

await mkdir(join(FOLDER, 'keys'));
for (const name of KEY_NAMES) await writeFile(keyFile(name), await newKey(name), { flag: 'wx' });
const keys = await readKeys();
const state = join(FOLDER, 'state.tmp');
try {
  const accepted = await makeAccepted(keys, state);
  await writeFile(join(FOLDER, 'accepted.json'), JSON.stringify(accepted, null, 2));
  await writeFile(
    join(FOLDER, 'refused.json'),
    JSON.stringify(await makeRefused(keys, accepted, state), null, 2),
  );
  await makeParts(keys);
} finally {
  await rm(state, { recursive: true, force: true });
}

/** Old, so that the vectors can be read where the clock is behind ours. Hosts' keys only sign. */
async function newKey(name: string): Promise<string> {
  const { privateKey } = await openpgp.generateKey({
    type: 'ecc',
    curve: 'ed25519Legacy',
    userIDs: [{ name: `holdfast vectors ${name}` }],
    subkeys: name.startsWith('db') ? [] : [{}],
    date: new Date('2020-01-01T00:00:00.000Z'),
    format: 'armored',
    config: PGP,
  });
  return privateKey;
}
