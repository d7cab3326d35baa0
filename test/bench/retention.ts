/**
 * What retention costs: `snapshots` and `expire` over hundreds of snapshots, new recipients for a large set, and a copy
 * of a store that has not changed. On a real S3 server, by the command line, counted by a proxy in front of the server.
 */
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { generateRecipientKey } from '../../src/openpgp/keys.ts';
import { startRgw } from '../services/rgw.ts';
import type { S3Access } from '../services/s3-access.ts';
import type { Bench, Run } from './bench.ts';
import { SETS, makeMany } from './many-snapshots.ts';
import { measure } from './measure.ts';
import { folderBytes } from './peers/contestant.ts';
import { HOLDFAST, holdfast, holdfastCommand } from './peers/holdfast.ts';
import type { Environment } from './processes.ts';
import { run } from './processes.ts';
import type { TrafficCounter } from './s3-traffic.ts';
import { countTraffic, describeTraffic, requestsIn } from './s3-traffic.ts';

/** In each snapshot of many, and in each of a second store: the requests have to be as many. */
const SEGMENTS = { few: 4, many: 16 } as const;
/** Of the large set, at most. */
const ROTATED_MAX = 30;
const ROOT = 'backups';

/** One run of everything is enough: what it shows are counts. */
export async function retention(bench: Bench): Promise<void> {
  await inS3(bench, async (place) => {
    for (const how of ['few', 'many'] as const) await manySnapshots(bench, place, how);
    await rotatedAndCopied(bench, place);
  });
}

interface S3Place {
  readonly s3: S3Access;
  readonly counter: TrafficCounter;
  readonly folder: string;
}

async function inS3(bench: Bench, work: (place: S3Place) => Promise<void>): Promise<void> {
  const folder = join(bench.large.options.folder, 'retention');
  await mkdir(folder);
  const s3 = await startRgw();
  try {
    await using counter = await countTraffic(s3.endpoint);
    await work({ s3, counter, folder });
  } finally {
    await s3.stop();
  }
}

/** Lists them, plans what goes, and removes it: what is older than 30 days. */
async function manySnapshots(bench: Bench, place: S3Place, how: keyof typeof SEGMENTS): Promise<void> {
  const { signal } = bench;
  const folder = join(place.folder, how);
  const each = Math.ceil(bench.snapshots / SETS.length);
  const made = await makeMany({ folder, snapshots: each, segments: SEGMENTS[how], signal });
  const bucket = await upload(place, made.store);
  await writeFile(join(folder, 'holdfast.yaml'), `${storeLines(place, bucket)}${made.config}`);
  const about = { snapshots: each * SETS.length, segments: made.segments };
  const once = (name: string, args: readonly string[]) =>
    counted(bench, place, { what: `retention/${name}/${how}`, folder, args, about });
  await once('snapshots', ['snapshots', '--json']);
  await once('expire', ['expire', '--json']);
  await once('expire-confirm', ['expire', '--confirm', '--json']);
}

/** The snapshots are of one day: every byte that changes between two days would only make the share smaller. */
async function rotatedAndCopied(bench: Bench, place: S3Place): Promise<void> {
  const { signal } = bench;
  const { repository, place: stand } = await bench.large.filledStand(holdfast, bench.rounds + 1);
  const snapshots = Math.min(ROTATED_MAX, Math.ceil(bench.snapshots / SETS.length));
  for (let made = 1; made < snapshots; made++) await measure(repository.backup(''), signal);
  const storedBytes = await repository.storedBytes();
  const [bucket, second] = [await upload(place, join(stand.folder, 'store')), await place.s3.createBucket()];
  await moveTo(place, stand.folder, bucket, second);
  const { folder } = stand;
  const env = { ...stand.env, ...place.s3.env() };
  const prepare = (args: readonly string[]) => run(programOf(folder, env, args)[0], args, { env, cwd: folder, signal });
  await writeFile(join(folder, 'new.asc'), (await generateRecipientKey('new')).toPublic().armor());
  await prepare(['keys', 'add', 'new.asc']);
  const about = { snapshots, storedBytes };
  const rotate = ['keys', 'rotate', 'shop', '--key', 'ops.key', '--json'];
  await counted(bench, place, { what: 'retention/rotate', folder, args: rotate, about });
  await prepare(['copy', 'shop']);
  await counted(bench, place, { what: 'retention/copy', folder, args: ['copy', 'shop', '--json'], about });
}

/** The folder store, object by object, past the proxy. Returns the bucket. */
async function upload({ s3 }: S3Place, store: string): Promise<string> {
  const bucket = await s3.createBucket();
  const client = s3.client();
  const limit = pLimit(16);
  const files = (await readdir(store, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const put = async (file: string) => {
    const Key = `${ROOT}/${relative(store, file)}`;
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: await readFile(file) }));
  };
  await Promise.all(files.map(({ parentPath, name }) => limit(() => put(join(parentPath, name)))));
  client.destroy();
  return bucket;
}
