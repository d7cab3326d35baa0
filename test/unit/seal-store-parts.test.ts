/** Goal: a part that the store refuses ends the sealing with the store's own reason, whenever the next part comes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { PART_BYTES } from '../../src/repository/sealed.ts';
import { putParts } from '../../src/seal/store-parts.ts';
import { delegating } from '../../src/stores/delegating.ts';
import { openStore } from '../../src/stores/open.ts';
import { tempFolder } from '../services/temp.ts';
import { SIGNAL } from '../services/world.ts';

test('a slow source does not lose the reason of a put that failed', async () => {
  const store = await openStore(`file://${await tempFolder('store')}`);
  const puts: string[] = [];
  const full = {
    ...delegating(store),
    put: (key: string) => {
      puts.push(key);
      return Promise.reject(new Error('the disk is full'));
    },
  };
  async function* slowly(): AsyncGenerator<Uint8Array> {
    for (let part = 0; part < 5; part++) {
      yield new Uint8Array(PART_BYTES);
      await sleep(20);
    }
  }
  const id = '20261121T101500Z-9f3a01c4';
  await expect(putParts(full, { id, days: 7 }, slowly(), SIGNAL)).rejects.toThrow('the disk is full');
  expect(puts.length).toBeLessThanOrEqual(3);
  await store.close();
});
