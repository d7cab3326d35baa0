/** Goal: what belongs to different sets does not wait for each other, and does not meet. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { PLACES, backUp, makeHost, snapshotsOf } from '../services/machines.ts';
import { addBulk, countIn, dayOfBusiness, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { addSet } from '../services/two-sets.ts';

describe.each(PLACES)('with the store in %s', (_, makePlace) => {
  test('backups of two sets run at the same time, and each restores to its own', async () => {
    const folder = await tempFolder('shops');
    const paths = { shop: join(folder, 'shop.db'), crm: join(folder, 'crm.db') };
    openShop(paths.shop, 500);
    openShop(paths.crm, 700);
    addBulk(paths.shop, 2);
    addBulk(paths.crm, 2);
    const host = await makeHost({
      place: await makePlace(),
      source: ['--source', 'sqlite', '--path', paths.shop],
    });
    await addSet(host, 'crm', paths.crm);
    for (let day = 0; day < 2; day++) {
      for (const path of Object.values(paths)) dayOfBusiness(path);
      await Promise.all([backUp(host, ['shop']), backUp(host, ['crm'])]);
    }
    const reader = await host.reader();
    for (const [set, path] of Object.entries(paths)) {
      expect(await snapshotsOf(reader, set)).toHaveLength(2);
      const to = join(folder, `${set}.restored`);
      await reader.good(['restore', set, '--to', to]);
      expect(countIn(to, 'shop_orders')).toBe(countIn(path, 'shop_orders'));
    }
    const { json } = await reader.good(['verify', '--read-data', '--json']);
    expect(json.at(-1)).toMatchObject({ problems: 0, unchecked: 0 });
  });

  test('one set that fails does not keep the other from being backed up, and the exit code tells', async () => {
    const folder = await tempFolder('shops');
    const path = join(folder, 'shop.db');
    openShop(path, 50);
    const host = await makeHost({ place: await makePlace(), source: ['--source', 'sqlite', '--path', path] });
    await addSet(host, 'crm', join(folder, 'nowhere.db'));
    const result = await host.run(['backup']);
    expectComplaint(result, {
      exit: 1,
      error: /set crm: there is no database at .*nowhere\.db/,
      hint: /path/,
    });
    expect(result.stdout).toMatch(/^shop@/);
    expect(await snapshotsOf(host, 'shop')).toHaveLength(1);
    expect(await snapshotsOf(host, 'crm')).toHaveLength(0);
  });
});
