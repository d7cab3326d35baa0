/**
 * The refused snapshots: each is the accepted store with a few changes. What a change needs beyond flipping,
 * cutting, moving and removing (something signed or sealed) is prepared here and lies in `refused/`.
 */
import { mkdir } from 'node:fs/promises';
import { Forge } from './forge.ts';
import { REFUSED_FOLDER } from './kit.ts';
import type { ExpectedSnapshot, Keys, RefusedCase } from './kit.ts';
import { falseLedgers, falseManifests, falseSegments, newerThings } from './refused-content.ts';
import { damagedObjects, foreignHands, movedObjects, rollbacks } from './refused-objects.ts';

export async function makeRefused(
  keys: Keys,
  accepted: readonly ExpectedSnapshot[],
  state: string,
): Promise<RefusedCase[]> {
  await mkdir(REFUSED_FOLDER);
  const [first, second, target, notes] = accepted;
  if (!first || !second || !target || !notes) throw new Error('there are not enough snapshots');
  const forge = await Forge.of(keys, target, state);
  return [
    ...damagedObjects(forge, first, notes),
    ...movedObjects(forge, first, second),
    ...(await foreignHands(forge)),
    ...(await falseManifests(forge)),
    ...(await falseSegments(forge)),
    ...(await newerThings(forge)),
    ...(await falseLedgers(forge)),
    ...rollbacks(forge, second),
  ];
}
