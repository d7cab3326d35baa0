/** Hosts with stores on an S3 server of their own, which is moved through the calendar. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeHost } from '../services/machines.ts';
import type { Host, Place } from '../services/machines.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

/** A host whose set `shop` is kept so long. */
export async function hostOn(place: Place, keep: string): Promise<Host> {
  const path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 50);
  return makeHost({ place, source: ['--source', 'sqlite', '--path', path, '--keep', keep] });
}

/** Changes the host's configuration. */
export async function reconfigure(host: Host, change: (config: string) => string): Promise<void> {
  const file = join(host.folder, 'holdfast.yaml');
  await writeFile(file, change(await readFile(file, 'utf8')));
}
