/**
 * What retention costs: `snapshots` and `expire` over hundreds of snapshots, new recipients for a large set, and a copy
 * of a store that has not changed. On a real S3 server, by the command line, counted by a proxy in front of the server.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateRecipientKey } from '../../src/openpgp/keys.ts';
import { startRgw } from '../services/rgw.ts';
import type { Bench, Over } from './bench.ts';
import { SETS, makeMany } from './many-snapshots.ts';
import type { Command } from './measure.ts';
import { measure } from './measure.ts';
import { HOLDFAST, holdfast, holdfastCommand } from './peers/holdfast.ts';
import { s3Lines, upload, urlOf } from './s3-place.ts';
import type { S3Place } from './s3-place.ts';
import { countTraffic, describeTraffic, requestsIn } from './s3-traffic.ts';

/** In each snapshot of many, and in each of a second store: the requests have to be as many. */
const SEGMENTS = { few: 4, many: 16 } as const;
/** Of the large set, at most. */
const ROTATED_MAX = 30;

/** One run of everything is enough: what it shows are counts. */
export async function retention(bench: Bench): Promise<void> {
  await inS3(bench, async (place) => {
    for (const how of ['few', 'many'] as const) await manySnapshots(bench, place, how);
    await rotatedAndCopied(bench, place);
  });
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
  const bucket = await upload(place, made.store, signal);
  const store = `version: 1\nstore: ${urlOf(bucket)}\ns3: ${s3Lines(place)}\n`;
  await writeFile(join(folder, 'holdfast.yaml'), store + made.config);
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
  const bucket = await upload(place, join(stand.folder, 'store'), signal);
  await nameBuckets(place, stand.folder, bucket, await place.s3.createBucket());
  const { folder } = stand;
  const prepare = (args: readonly string[]) => measure(commandIn(bench, place, folder, args), signal);
  await writeFile(join(folder, 'new.asc'), (await generateRecipientKey('new')).toPublic().armor());
  await prepare(['keys', 'add', 'new.asc']);
  const about = { snapshots, storedBytes };
  const rotate = ['keys', 'rotate', 'shop', '--key', 'ops.key', '--json'];
  await counted(bench, place, { what: 'retention/rotate', folder, args: rotate, about });
  await prepare(['copy', 'shop']);
  await counted(bench, place, { what: 'retention/copy', folder, args: ['copy', 'shop', '--json'], about });
}

/** The configuration of before, with the store in a bucket and a copy of the set in another one. */
async function nameBuckets(place: S3Place, folder: string, store: string, copy: string): Promise<void> {
  const file = join(folder, 'holdfast.yaml');
  const before = await readFile(file, 'utf8');
  const replica = `replicas: [{ name: second, store: "${urlOf(copy)}", s3: ${s3Lines(place)} }]`;
  const after = before
    .replace(/^store: .*$/m, `store: ${urlOf(store)}\ns3: ${s3Lines(place)}`)
    .replace(/^( +)keep: .*$/m, (keep, indent: string) => `${keep}\n${indent}${replica}`);
  await writeFile(file, after);
}

interface Counted {
  readonly what: string;
  /** Holds holdfast.yaml. */
  readonly folder: string;
  readonly args: readonly string[];
  readonly about: Over;
}

/** Measures one command, and notes what it asked of the server. */
async function counted(bench: Bench, place: S3Place, { what, folder, args, about }: Counted): Promise<void> {
  place.counter.take();
  const { output: _, ...figures } = await measure(commandIn(bench, place, folder, args), bench.signal);
  const traffic = place.counter.take();
  const run = { what, contestant: HOLDFAST, round: 0, serverCpuSeconds: 0, traffic, over: about };
  bench.runs.push({ ...figures, ...run });
  bench.say(`${what}: ${requestsIn(traffic)} requests (${describeTraffic(traffic)})`);
}

function commandIn(bench: Bench, { s3 }: S3Place, folder: string, args: readonly string[]): Command {
  const env = { ...bench.large.options.env, HOME: folder, ...s3.env() };
  return holdfastCommand({ env, folder }, [...args, '-c', 'holdfast.yaml'], 'keep');
}
