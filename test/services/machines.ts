/**
 * Machines as people have them, driven through the command line: a host that backs up, other machines that restore,
 * and a place for the store that both reach. No private key of a recipient is ever on the host.
 */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { armorPrivateKey } from '../../src/openpgp/keys.ts';
import { PGP, openpgp } from '../../src/openpgp/library.ts';
import { openStore } from '../../src/stores/open.ts';
import type { Store } from '../../src/stores/store.ts';
import { holdfast } from './cli.ts';
import type { CliOptions, CliResult } from './cli.ts';
import type { BucketOptions, S3Access } from './s3-access.ts';
import { tempFolder } from './temp.ts';
import { useS3 } from './use.ts';

/** Where a store lies, and how it is reached. */
export interface Place {
  readonly url: string;
  /** Options of `init` beside `--store`. */
  readonly initArgs: readonly string[];
  /** Credentials. */
  readonly env: Readonly<Record<string, string>>;
  /** The store itself, to look behind the program; close it. */
  open(): Promise<Store>;
}

/** Both kinds of store, for `describe.each`. */
export const PLACES: readonly (readonly ['a folder' | 'S3', () => Promise<Place>])[] = [
  ['a folder', folderPlace],
  ['S3', () => bucketPlace()],
];

/** A folder that does not exist yet. */
export async function folderPlace(): Promise<Place> {
  const url = `file://${join(await tempFolder('place'), 'store')}`;
  return { url, initArgs: [], env: {}, open: () => openStore(url) };
}

export interface BucketPlace extends Place {
  readonly bucket: string;
  readonly s3: S3Access;
}

/**
 * A prefix in a new bucket of the S3 server of this run.
 * @param endpoint - where the program finds the server, when something stands in between
 */
export async function bucketPlace(endpoint?: string): Promise<BucketPlace> {
  return placeOn(await useS3(), {}, endpoint);
}

/** The same on any S3 server, and in a bucket of any kind. */
export async function placeOn(
  s3: S3Access,
  options: BucketOptions = {},
  endpoint = s3.endpoint,
): Promise<BucketPlace> {
  const bucket = await s3.createBucket('machines', options);
  const url = `s3://${bucket}/prod/db`;
  // The SDK in this process reads them too.
  Object.assign(process.env, s3.env());
  return {
    url,
    bucket,
    s3,
    initArgs: ['--endpoint', endpoint, '--region', s3.region],
    env: s3.env(),
    open: () => openStore(url, { s3: { endpoint: s3.endpoint, region: s3.region } }),
  };
}

/** All keys of a store, sorted. */
export async function keysIn(place: Place, prefix = ''): Promise<string[]> {
  const store = await place.open();
  try {
    return (await Array.fromAsync(store.list(prefix))).map(({ key }) => key).sort();
  } finally {
    await store.close();
  }
}

/** The ids of the snapshots that are committed in a store, sorted. */
export async function committedIn(place: Place, set = 'shop'): Promise<string[]> {
  const keys = await keysIn(place, 'keep-');
  const ids = keys.map((key) => /^keep-\d+\/([^/]+)\/snapshots\/([^/]+)\/entry\.json$/.exec(key));
  return ids.flatMap((match) => (match?.[1] === set && match[2] !== undefined ? [match[2]] : []));
}

/** Does something to a store behind the program's back. */
export async function tamper(place: Place, act: (store: Store) => Promise<unknown>): Promise<void> {
  const store = await place.open();
  try {
    await act(store);
  } finally {
    await store.close();
  }
}

export interface Machine {
  /** Holds holdfast.yaml; commands run here. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `holdfast ARGS`; a failing exit code is a result. */
  run(args: readonly string[], options?: CliOptions): Promise<CliResult>;
  /** Runs `holdfast ARGS`, which must exit 0. */
  good(args: readonly string[], options?: CliOptions): Promise<CliResult>;
}

/** A machine that backs up. */
export interface Host extends Machine {
  readonly place: Place;
  /** The private key that init made, moved to another medium. */
  readonly opsKey: string;
  /** Of a second recipient, which only gave its public key to init; protected by `escrowPassphrase`. */
  readonly escrowKey: string;
  readonly escrowPassphrase: string;
  /** What `init` said. */
  readonly initialised: CliResult;
  /** Another machine with its own HOME and state: configuration, public keys, and the ops key in its environment. */
  reader(): Promise<Machine>;
}

export interface HostOptions {
  readonly place: Place;
  /** `--source …` and what goes with it. */
  readonly source: readonly string[];
  readonly set?: string;
  /** Beside what the place needs. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Makes a host with `holdfast init`: with a new ops key and with an escrow key from elsewhere. */
export async function makeHost({ place, source, set = 'shop', env = {} }: HostOptions): Promise<Host> {
  const [folder, usb, vault] = await Promise.all(['host', 'usb', 'vault'].map((name) => tempFolder(name)));
  if (folder === undefined || usb === undefined || vault === undefined) throw new Error('no folders');
  const escrow = await oldKey('escrow');
  const escrowPassphrase = randomBytes(12).toString('hex');
  const escrowKey = join(vault, 'escrow.key');
  await writeFile(escrowKey, await armorPrivateKey(escrow, escrowPassphrase), { mode: 0o600 });
  await writeFile(join(folder, 'escrow.asc'), escrow.toPublic().armor());
  const machine = await machineIn(folder, { ...place.env, ...env });
  const keys = ['--recipient', 'escrow.asc', '--private-key-out', 'ops.key'];
  const initialised = await machine.good([
    ...['init', '--yes', '--store', place.url, ...place.initArgs, '--set', set],
    ...[...source, ...keys],
  ]);
  const opsKey = join(usb, 'ops.key');
  await rename(join(folder, 'ops.key'), opsKey);
  const reader = async () => makeReader(folder, { ...place.env, HOLDFAST_KEY: opsKey });
  return { ...machine, place, opsKey, escrowKey, escrowPassphrase, initialised, reader };
}

/** A recipient's key as people have it: made a while ago, so that a clock may jump back and find it still valid. */
export async function oldKey(name: string): Promise<openpgp.PrivateKey> {
  const date = new Date(Date.now() - 100 * 86_400_000);
  const kind = { type: 'ecc', curve: 'ed25519Legacy', format: 'object', date, config: PGP } as const;
  return (await openpgp.generateKey({ ...kind, userIDs: [{ name }] })).privateKey;
}

async function makeReader(host: string, env: Readonly<Record<string, string>>): Promise<Machine> {
  const folder = await tempFolder('reader');
  await mkdir(join(folder, 'keys'));
  const config = await readFile(join(host, 'holdfast.yaml'), 'utf8');
  const recipients = /^recipients: \[(.*)\]$/m.exec(config)?.[1]?.split(', ') ?? [];
  for (const file of recipients) await cp(join(host, file), join(folder, file));
  await writeFile(join(folder, 'holdfast.yaml'), config.replace(/^signing_key: .*$/m, ''));
  return machineIn(folder, env);
}

/** A machine around a folder: its own HOME, and the compiled code of other runs, which is no state of anybody. */
export async function machineIn(folder: string, env: Readonly<Record<string, string>>): Promise<Machine> {
  const all = { HOME: await tempFolder('home'), XDG_CACHE_HOME: join(inject('runFolder'), 'cache'), ...env };
  const run = (args: readonly string[], options: CliOptions = {}) =>
    holdfast(args, { cwd: folder, ...options, env: { ...all, ...options.env } });
  const good = async (args: readonly string[], options: CliOptions = {}) => {
    const result = await run(args, options);
    if (result.exitCode === 0) return result;
    const how = result.signal ?? `exit code ${String(result.exitCode)}`;
    throw new Error(`holdfast ${args.join(' ')}: ${how}\n${result.stdout}${result.stderr}`);
  };
  return { folder, env: all, run, good };
}

/** The ids of the snapshots that `holdfast snapshots` lists, oldest first. */
export async function snapshotsOf(machine: Machine, set = 'shop'): Promise<string[]> {
  const { json } = await machine.good(['snapshots', set, '--json']);
  return json.filter(({ type }) => type === 'snapshot').map(({ snapshot }) => String(snapshot));
}

/** Backs a set up and returns the record of the new snapshot. */
export async function backUp(
  machine: Machine,
  args: readonly string[] = [],
  options: CliOptions = {},
): Promise<SnapshotRecord> {
  await anotherSecond();
  const { json } = await machine.good(['backup', ...args, '--json'], options);
  const record = json.find(({ type }) => type === 'snapshot');
  if (!record) throw new Error('backup told of no snapshot');
  lastSecond = String(record['snapshot']).slice(0, SECOND.length);
  return record as unknown as SnapshotRecord;
}

const SECOND = '20261122T031500Z';
let lastSecond = '';

/** Ids begin with a second: sorted ones are in the order of time only where no two backups begin in the same one. */
async function anotherSecond(): Promise<void> {
  const now = new Date();
  if (now.toISOString().replaceAll(/[-:]|\.\d+/g, '') !== lastSecond) return;
  await new Promise((resume) => setTimeout(resume, 1000 - now.getMilliseconds()));
}

/** The part of a snapshot's record that tests look at. */
export interface SnapshotRecord {
  readonly snapshot: string;
  readonly set: string;
  readonly full: boolean;
  readonly chain: number;
  readonly seq: number;
  readonly writer: string;
  readonly time: string;
  readonly reason: string;
  readonly counts: Readonly<Record<'segments' | 'new_segments' | 'plain_bytes' | 'new_bytes', number>>;
}
