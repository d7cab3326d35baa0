/**
 * Goal: `keys rotate` that is killed before or after any of its writes leaves every snapshot readable, and the next
 * run finishes it: then nothing of before is left, and who left opens nothing.
 */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { armorPrivateKey } from '../../src/openpgp/keys.ts';
import { PLACES, backUp, keysIn, makeHost, oldKey } from '../services/machines.ts';
import type { Machine, Place } from '../services/machines.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

const SNAPSHOTS = 2;
/** Lease, intent, manifest and amendment of each, the line that makes them count, removal, end, lease. */
const WRITES = 3 + 2 * SNAPSHOTS + 3;

test.each(PLACES)(
  'killed at each of its writes, with the store in %s',
  { timeout: 600_000 },
  async (name, makePlace) => {
    const place = await makePlace();
    const { operator, rotate } = await machines(place);
    let to: Side = 'new';
    for (let n = 1; n <= WRITES; n++) {
      // On S3 everything takes its time: what was not written is what was written before it.
      for (const when of name === 'S3' ? (['after'] as const) : (['before', 'after'] as const)) {
        const killed = await rotate(to, { HOLDFAST_TEST_FAULT: `kill-${when}:${String(n)}` });
        expect({ n, when, signal: killed.signal }).toEqual({ n, when, signal: 'SIGKILL' });
        await expectAllReadable(operator, to);
        expect(await rotate(to)).toMatchObject({ exitCode: 0 });
        await expectAllReadable(operator, to);
        const left = (await keysIn(place)).filter((key) => /(\.pgp|amend-\d+\.json|leases\/.*)$/.test(key));
        expect({ n, when, left: left.length }).toEqual({ n, when, left: 2 * SNAPSHOTS });
        await expectNothingFor(operator, to);
        to = to === 'new' ? 'old' : 'new';
      }
    }
    const whole = await rotate(to, { HOLDFAST_TEST_FAULT: `kill-before:${String(WRITES + 1)}` });
    expect(whole).toMatchObject({ exitCode: 0 });
  },
);

/** Two people of whom one leaves when the other one comes, and a third who stays all the time. */
type Side = 'old' | 'new';
const OTHER = { old: 'new', new: 'old' } as const;

async function machines(place: Place) {
  const shop = join(await tempFolder('shop'), 'shop.db');
  openShop(shop, 50);
  const host = await makeHost({ place, source: ['--source', 'sqlite', '--path', shop] });
  for (let n = 0; n < SNAPSHOTS; n++) await backUp(host);
  const operator = await host.reader();
  for (const name of ['new', 'keeper']) {
    const key = await oldKey(name);
    await writeFile(join(operator.folder, `${name}.asc`), key.toPublic().armor());
    await writeFile(join(operator.folder, `${name}.key`), await armorPrivateKey(key, undefined));
  }
  await cp(host.opsKey, join(operator.folder, 'old.key'));
  await cp(join(operator.folder, 'keys/ops.asc'), join(operator.folder, 'old.asc'));
  const config = await readFile(join(operator.folder, 'holdfast.yaml'), 'utf8');
  for (const side of ['old', 'new'] as const) {
    const lists = `recipients: [${side}.asc, keeper.asc]\nformer_recipients: [${OTHER[side]}.asc]`;
    await writeFile(join(operator.folder, `${side}.yaml`), config.replace(/^recipients: .*$/m, lists));
  }
  const rotate = (to: Side, env: Record<string, string> = {}) =>
    operator.run(
      [
        '-c',
        `${to}.yaml`,
        'keys',
        'rotate',
        '--key',
        'old.key',
        '--key',
        'new.key',
        '--sign-with',
        `${to}.key`,
      ],
      { env },
    );
  // From here on the keeper opens everything.
  expect(await rotate('old')).toMatchObject({ exitCode: 0 });
  return { operator, rotate };
}

async function expectAllReadable(operator: Machine, side: Side): Promise<void> {
  const { json } = await operator.good([
    '-c',
    `${side}.yaml`,
    'verify',
    '--read-data',
    '--key',
    'keeper.key',
    '--json',
  ]);
  const sets = json.find(({ type }) => type === 'summary')?.['sets'];
  expect(sets).toMatchObject([{ snapshots: SNAPSHOTS, sound: SNAPSHOTS }]);
}

async function expectNothingFor(operator: Machine, side: Side): Promise<void> {
  const result = await operator.run(['-c', `${side}.yaml`, 'cat', 'shop', '--key', `${OTHER[side]}.key`]);
  expect(result).toMatchObject({ exitCode: 12, stdout: '' });
}
