/** Hosts with stores on an S3 server of their own, which is moved through the calendar. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openStore } from '../../src/stores/open.ts';
import { makeHost } from '../services/machines.ts';
import type { Host, Place } from '../services/machines.ts';
import type { RgwServer } from '../services/rgw.ts';
import type { BucketOptions } from '../services/s3-access.ts';
import { openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

export interface S3Place extends Place {
  readonly bucket: string;
}

/** A prefix in a new bucket. */
export async function placeOn(s3: RgwServer, options: BucketOptions = {}): Promise<S3Place> {
  const bucket = await s3.createBucket('lifecycle', options);
  const url = `s3://${bucket}/prod/db`;
  // The SDK in this process reads them too.
  Object.assign(process.env, s3.env());
  return {
    url,
    bucket,
    initArgs: ['--endpoint', s3.endpoint, '--region', s3.region],
    env: s3.env(),
    open: () => openStore(url, { s3: { endpoint: s3.endpoint, region: s3.region } }),
  };
}

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
