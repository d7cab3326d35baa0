/** The two kinds of store that the contract runs over: a folder, and a bucket of a real S3 server. */
import { chmod, chown, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFileStore } from '../../src/stores/file.ts';
import { openS3Store } from '../../src/stores/s3.ts';
import type { S3Settings } from '../../src/stores/s3-settings.ts';
import type { Store } from '../../src/stores/store.ts';
import type { BucketOptions, S3Access, S3User } from '../services/s3-access.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3 } from '../services/use.ts';
import type { Subject } from './store.helpers.ts';

const NOBODY = 65534;

/** Stores in folders. */
export const folderSubject: Subject = {
  ifAbsent: true,
  keepsVersions: false,
  locks: false,
  empty: async () => {
    const store = openFileStore(`file://${join(await tempFolder(), 'store')}`);
    await store.create();
    return store;
  },
  rootless: async () => openFileStore(`file://${await tempFolder()}/not/there`),
  asReader: (store, use) => asNobody(store, 0o500, 0o400, use),
  asStranger: (store, use) => asNobody(store, 0o000, 0o000, use),
};

/**
 * Lets someone without privileges use a folder store. Root is above all permissions, so a test that runs as root
 * becomes another user for that time.
 */
export async function asNobody(
  store: Store,
  folderMode: number,
  fileMode: number,
  use: (store: Store) => Promise<void>,
): Promise<void> {
  const root = fileURLToPath(store.url);
  const isRoot = process.geteuid?.() === 0;
  await chmod(dirname(root), 0o711);
  await setModes(root, folderMode, fileMode, isRoot ? NOBODY : undefined);
  try {
    if (isRoot) process.seteuid?.(NOBODY);
    await use(openFileStore(store.url));
  } finally {
    if (isRoot) process.seteuid?.(0);
    await setModes(root, 0o700, 0o600, isRoot ? 0 : undefined);
  }
}

async function setModes(folder: string, folderMode: number, fileMode: number, owner?: number): Promise<void> {
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await setModes(path, folderMode, fileMode, owner);
    else await chmod(path, fileMode);
    if (owner !== undefined) await chown(path, owner, owner);
  }
  await chmod(folder, folderMode);
  if (owner !== undefined) await chown(folder, owner, owner);
}

/** A store, and the bucket it lies in. */
export interface NamedStore extends Store {
  readonly bucketName: string;
}

/** The S3 server of this test run, with its users as profiles of the AWS tools. */
export interface S3World {
  readonly s3: S3Access;
  /** Settings to reach the server as one of its users. */
  settings(user?: S3User): Promise<S3Settings>;
  /** A store in a new bucket. */
  newStore(options?: BucketOptions): Promise<NamedStore>;
}

/** The kinds of bucket that stores live in. */
export type BucketKind = 'plain' | 'versioned' | 'locked';

const BUCKET_OPTIONS: Readonly<Record<BucketKind, BucketOptions>> = {
  plain: {},
  versioned: { versioned: true },
  locked: { objectLock: true },
};

/** Stores in buckets of one kind; `worldOf` gives the server, once it runs. */
export function bucketSubject(kind: BucketKind, worldOf: () => S3World): Subject {
  const asWriter = async (store: Store, actions: readonly string[], use: (store: Store) => Promise<void>) => {
    const world = worldOf();
    const bucket = new URL(store.url).hostname;
    if (actions.length > 0) await allow(world.s3, bucket, world.s3.writer, actions);
    const other = openS3Store(store.url, await world.settings(world.s3.writer));
    await use(other).finally(() => other.close());
  };
  return {
    // This server ignores the condition where there are versions (AWS does not).
    ifAbsent: kind === 'plain',
    keepsVersions: kind !== 'plain',
    locks: kind === 'locked',
    empty: () => worldOf().newStore(BUCKET_OPTIONS[kind]),
    rootless: async () => openS3Store('s3://holdfast-no-such-bucket/p', await worldOf().settings()),
    asReader: (store, use) => asWriter(store, ['s3:GetObject', 's3:ListBucket'], use),
    asStranger: (store, use) => asWriter(store, [], use),
  };
}

/** For `beforeAll`: sets the environment that the SDK reads, for this test file. */
export async function s3World(): Promise<S3World> {
  const s3 = await useS3();
  const folder = await tempFolder('aws');
  Object.assign(process.env, {
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  await writeFile(join(folder, 'config'), '');
  await writeFile(join(folder, 'credentials'), [s3.owner, s3.writer].map(profileOf).join(''), {
    mode: 0o600,
  });
  const settings = (user = s3.owner): Promise<S3Settings> =>
    Promise.resolve({ endpoint: s3.endpoint, region: s3.region, profile: user.uid });
  const newStore = async (options?: BucketOptions): Promise<NamedStore> => {
    const bucket = await s3.createBucket('store', options);
    return Object.assign(openS3Store(`s3://${bucket}/some/prefix`, await settings()), { bucketName: bucket });
  };
  return { s3, settings, newStore };
}

/** Gives another user rights on a bucket; `denied` are refused even where the server would allow them by itself. */
export async function allow(
  s3: S3Access,
  bucket: string,
  user: S3User,
  actions: readonly string[],
  denied: readonly string[] = [],
): Promise<void> {
  await s3.bucketPolicy(bucket, [
    { user, Effect: 'Allow', Action: actions },
    ...(denied.length === 0 ? [] : [{ user, Effect: 'Deny', Action: denied } as const]),
  ]);
}

function profileOf({ uid, accessKeyId, secretAccessKey }: S3User): string {
  return `[${uid}]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
}
