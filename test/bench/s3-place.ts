/** A store in a bucket of a real S3 server, behind the proxy that counts. */
import pLimit from 'p-limit';
import { openFileStore } from '../../src/stores/file.ts';
import { openStore } from '../../src/stores/open.ts';
import type { S3Access } from '../services/s3-access.ts';
import type { TrafficCounter } from './s3-traffic.ts';

const ROOT = 'backups';

export interface S3Place {
  readonly s3: S3Access;
  readonly counter: TrafficCounter;
  readonly folder: string;
}

/** The folder store, object by object, past the proxy. Returns the bucket. */
export async function upload({ s3 }: S3Place, folder: string, signal: AbortSignal): Promise<string> {
  const bucket = await s3.createBucket();
  // The SDK in this process takes them from here.
  Object.assign(process.env, s3.env());
  const from = openFileStore(`file://${folder}`);
  const to = await openStore(urlOf(bucket), { s3: { endpoint: s3.endpoint, region: s3.region } });
  const limit = pLimit(16);
  const keys = (await Array.fromAsync(from.list('', signal))).map(({ key }) => key);
  const put = async (key: string) => to.put(key, await from.get(key, undefined, signal), {}, signal);
  await Promise.all(keys.map((key) => limit(() => put(key))));
  await to.close();
  return bucket;
}

export function urlOf(bucket: string): string {
  return `s3://${bucket}/${ROOT}`;
}

export function s3Lines({ s3, counter }: S3Place): string {
  return `{ endpoint: "${counter.endpoint}", region: ${s3.region} }`;
}
