/** Goal: the rules of the copy's bucket remove a snapshot that was old when it was copied on the day of its original. */
import { join } from 'node:path';
import { utimes } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { copySet } from '../../src/copy/copy.ts';
import { daysLeft } from '../../src/copy/life.ts';
import { latestEnd } from '../../src/repository/rules.ts';
import { openStore } from '../../src/stores/open.ts';
import { startRgw } from '../services/rgw.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL, entriesOf, makeWorld, rowsOf } from '../services/world.ts';

const DAY_MS = 86_400_000;

test('a snapshot that was ten days old ends with its original, carried out by a real server', async () => {
  const s3 = await startRgw();
  onTestFinished(() => s3.stop());
  Object.assign(process.env, s3.env());
  const bucket = await s3.createBucket('copy');
  const place = await openStore(`s3://${bucket}/prod`, { s3: { endpoint: s3.endpoint, region: s3.region } });
  onTestFinished(() => place.close());
  const world = await makeWorld();
  await world.backup({ t: rowsOf(500) });
  const then = new Date(Date.now() - 10 * DAY_MS);
  const [item] = await entriesOf(world);
  for (const name of ['entry.json', 'manifest.pgp'])
    await utimes(join(world.root, item?.folder ?? '', name), then, then);
  const original = latestEnd(then, 30);

  const quiet = { onPlan: () => undefined, onPut: () => undefined, onRemoved: () => undefined };
  const stateDir = await tempFolder('state');
  const options = { source: world.session, destination: place, set: SET, stateDir, ...quiet };
  await copySet({ ...options, onNote: () => undefined }, SIGNAL);
  const rules = [19, 20, 21].map((days) => ({
    id: `keep-${String(days)}`,
    enabled: true,
    prefix: `prod/keep-0${String(days)}/`,
    expireDays: days,
  }));
  await place.bucket?.putLifecycle(rules, SIGNAL);

  const manifests = async () =>
    (await Array.fromAsync(place.list('keep-'))).filter(({ key }) => key.endsWith('/manifest.pgp')).length;
  expect(await manifests()).toBe(1);
  // The last pass before the original's midnight, and the first one after it.
  const left = daysLeft(original, new Date());
  await s3.lifecyclePass(left);
  expect(await manifests()).toBe(1);
  await s3.lifecyclePass(left + 1);
  expect(await manifests()).toBe(0);
});
