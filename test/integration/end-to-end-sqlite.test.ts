/** An SQLite database with every awkward thing goes out through holdfast alone, and comes back the same. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { countIn, dayOfBusiness, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { endToEnd } from './end-to-end.kit.ts';
import type { Database } from './end-to-end.kit.ts';
import { contentsOf, makeAwkward, shellLoad } from './sqlite-kit.ts';

async function openAwkward(): Promise<Database> {
  const path = join(await tempFolder('awkward'), 'shop db.sqlite');
  makeAwkward(path);
  openShop(path, 8000);
  const content = () => Promise.resolve(contentsOf(path));
  return {
    source: ['--source', 'sqlite', '--path', path],
    env: {},
    secrets: [],
    live: path,
    chosen: ['shop_orders', 'odd "name" ünïcode 表'],
    other: 'norowidkey',
    change: () => {
      dayOfBusiness(path);
      return Promise.resolve();
    },
    content,
    contentOf: (to) => Promise.resolve(contentsOf(to)),
    scriptContent: content,
    scriptContentOf: async (sql) => {
      const copy = join(await tempFolder('loaded'), 'copy.db');
      shellLoad(Buffer.from(sql), copy);
      return contentsOf(copy);
    },
    rowsIn: (to, table) => Promise.resolve(countIn(to, table)),
    newTarget: async () => join(await tempFolder('target'), 'restored.db'),
    exists: (to) => Promise.resolve(existsSync(to)),
  };
}

endToEnd(openAwkward);
