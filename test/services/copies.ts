/** Copies for a host that init made: places, and the configuration that names them. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bucketPlace, folderPlace, tamper } from './machines.ts';
import type { Machine, Place } from './machines.ts';

/** From where to where. */
export const WAYS: readonly (readonly [string, () => Promise<Place>, () => Promise<Place>])[] = [
  ['from a folder to a folder', folderPlace, folderPlace],
  ['from a folder to S3', folderPlace, () => bucketPlace()],
  ['from S3 to a folder', () => bucketPlace(), folderPlace],
];

/** Names a place as a copy of the machine's set. Credentials of both places have to be in its environment. */
export async function addCopy(machine: Machine, place: Place, name = 'offsite'): Promise<void> {
  const [endpoint, region] = ['--endpoint', '--region'].map((option) => {
    const at = place.initArgs.indexOf(option);
    return at === -1 ? undefined : place.initArgs[at + 1];
  });
  const s3 = endpoint === undefined ? '' : `, s3: { endpoint: "${endpoint}", region: ${region ?? ''} }`;
  const line = `    replicas: [{ name: ${name}, store: "${place.url}"${s3} }]\n`;
  const file = join(machine.folder, 'holdfast.yaml');
  const config = await readFile(file, 'utf8');
  await writeFile(
    file,
    config.replace(/^ {4}keep: .*\n/m, (keep) => keep + line),
  );
}

/** Everything in a place is lost. */
export async function lose(place: Place): Promise<void> {
  if (place.url.startsWith('file:')) await rm(fileURLToPath(place.url), { recursive: true });
  else
    await tamper(place, async (store) => {
      const keys = (await Array.fromAsync(store.list(''))).map(({ key }) => key);
      await store.remove(keys, { allVersions: true });
    });
}
