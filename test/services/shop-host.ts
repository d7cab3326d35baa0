/** A host that backs up the shop in SQLite. */
import { join } from 'node:path';
import { folderPlace, makeHost } from './machines.ts';
import type { Host, HostOptions } from './machines.ts';
import { openShop } from './shop.ts';
import { tempFolder } from './temp.ts';

export interface ShopHost {
  readonly host: Host;
  /** The database's file. */
  readonly database: string;
}

/**
 * Makes the shop and a host of it.
 * @param orders - how many the shop has
 * @param options - of the host; a store in a folder when not given
 */
export async function shopHost(
  orders: number,
  options: Partial<Pick<HostOptions, 'place' | 'env'>> = {},
): Promise<ShopHost> {
  const database = join(await tempFolder('shop'), 'shop.db');
  openShop(database, orders);
  const place = options.place ?? (await folderPlace());
  const source = ['--source', 'sqlite', '--path', database];
  return { host: await makeHost({ ...options, place, source }), database };
}
