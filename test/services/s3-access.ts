/**
 * What a test does with the S3 server, its own or one it shares with other tests.
 */
import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { locateOrThrow } from './packages.ts';
import { runTool } from './processes.ts';

/** A user of the S3 server. */
export interface S3User {
  readonly uid: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What another process needs to know to use a running server: plain data. */
export interface S3Address {
  /** Plain http, on loopback. */
  readonly endpoint: string;
  /** The same with TLS. */
  readonly tlsEndpoint: string;
  /** The authority that has signed the certificate of `tlsEndpoint`: a PEM file. */
  readonly caFile: string;
  /** Where the server says that its buckets are. In signatures it takes any name. */
  readonly region: string;
  /** May make buckets. */
  readonly owner: S3User;
  /** May make no bucket: the one for bucket policies. */
  readonly writer: S3User;
  /** For `radosgw-admin`. */
  readonly configFile: string;
}

export interface BucketOptions {
  readonly versioned?: boolean;
  /** Object Lock, which brings versions with it. */
  readonly objectLock?: boolean;
  /** The lock of objects that come without one; brings Object Lock with it. */
  readonly defaultRetention?: { readonly mode: 'GOVERNANCE' | 'COMPLIANCE'; readonly days: number };
}

/** A statement of a bucket's policy, for one user. */
export interface Statement {
  readonly user: S3User;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  /** `arn:aws:s3:::bucket` or `arn:aws:s3:::bucket/key*`. Default: the bucket and everything in it. */
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, unknown>>;
}

export interface Quota {
  readonly maxBytes?: number;
  readonly maxObjects?: number;
}

export interface S3Access extends S3Address {
  /** The owner's keys, in the SDK's form. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** An SDK client with the settings that this server needs: path style, no checksums of the newer kinds. */
  client(user?: S3User): S3Client;
  /** Environment for a child process: `AWS_*` keys and region of a user (default owner); the endpoint is not in it. */
  env(user?: S3User): Record<string, string>;
  /** Makes a bucket named `name` plus a random end, as owner, and returns its name. */
  createBucket(name?: string, options?: BucketOptions): Promise<string>;
  /**
   * Replaces a bucket's policy. On this server an object belongs to the user who wrote it, who may then read and
   * remove it unless a statement denies it; AWS needs no such statement.
   */
  bucketPolicy(bucket: string, statements: readonly Statement[]): Promise<void>;
  /** Makes another user. `maxBuckets` -1: none (default 1000). */
  createUser(maxBuckets?: number): Promise<S3User>;
  /** Every request of this user is refused (403 UserSuspended) until `enable`. Of a shared server, only your own users. */
  suspend(uid: string): Promise<void>;
  enable(uid: string): Promise<void>;
  /** Limits what a bucket may hold: a put beyond is refused (403 QuotaExceeded). No limits: takes the quota away. */
  quota(bucket: string, limits: Quota): Promise<void>;
  /**
   * Runs one lifecycle pass as if `days` days later, with `faketime`: exact to the day. An object that N days are given
   * goes at the pass of day N+1 at the latest (the server rounds up to midnight).
   */
  lifecyclePass(days?: number): Promise<void>;
  /** Runs `radosgw-admin` and returns its stdout. */
  admin(...args: string[]): Promise<string>;
}

/** The use of a server that runs already. */
export function s3At(address: S3Address): S3Access {
  const { owner } = address;
  const admin = (...args: string[]) =>
    runTool(locateOrThrow('radosgw-admin'), adminArgs(address.configFile, args));
  const client = (user = owner) =>
    new S3Client({
      endpoint: address.endpoint,
      region: address.region,
      credentials: { accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey },
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  return {
    ...address,
    credentials: { accessKeyId: owner.accessKeyId, secretAccessKey: owner.secretAccessKey },
    client,
    env: (user = owner) => ({
      AWS_ACCESS_KEY_ID: user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
      AWS_REGION: address.region,
      // Or the SDK asks the cloud's metadata address when it finds no keys.
      AWS_EC2_METADATA_DISABLED: 'true',
    }),
    createBucket: (name = 'test', options = {}) => createBucket(client(), name, options),
    bucketPolicy: (bucket, statements) => putPolicy(client(), bucket, statements),
    createUser: async (maxBuckets = 1000) => {
      const user = newUser(`user-${randomBytes(4).toString('hex')}`);
      await admin(...createUserArgs(user, maxBuckets));
      return user;
    },
    suspend: async (uid) => {
      await admin('user', 'suspend', `--uid=${uid}`);
    },
    enable: async (uid) => {
      await admin('user', 'enable', `--uid=${uid}`);
    },
    quota: (bucket, limits) => setQuota(admin, bucket, limits),
    lifecyclePass: (days = 0) => lifecyclePass(address.configFile, days),
    admin,
  };
}

/** A user with random keys, which the server does not know yet. */
export function newUser(uid: string): S3User {
  return {
    uid,
    accessKeyId: randomBytes(10).toString('hex').toUpperCase(),
    secretAccessKey: randomBytes(20).toString('hex'),
  };
}

/** The arguments of `radosgw-admin` that make a user with given keys. */
export function createUserArgs(user: S3User, maxBuckets: number): string[] {
  const keys = [`--access-key=${user.accessKeyId}`, `--secret-key=${user.secretAccessKey}`];
  return [
    'user',
    'create',
    `--uid=${user.uid}`,
    `--display-name=${user.uid}`,
    ...keys,
    `--max-buckets=${String(maxBuckets)}`,
  ];
}

/** The arguments of `radosgw-admin` for one server among several. */
export function adminArgs(configFile: string, args: readonly string[]): string[] {
  return ['--conf', configFile, '--name', 'client.rgw', ...args];
}

async function createBucket(client: S3Client, name: string, options: BucketOptions): Promise<string> {
  const Bucket = `${name}-${randomBytes(4).toString('hex')}`;
  const locks = options.objectLock ?? options.defaultRetention !== undefined;
  try {
    await client.send(
      new CreateBucketCommand({
        Bucket,
        ...(locks ? { ObjectLockEnabledForBucket: true } : {}),
      }),
    );
    if (options.defaultRetention) {
      const { mode: Mode, days: Days } = options.defaultRetention;
      const Rule = { DefaultRetention: { Mode, Days } };
      const ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule } as const;
      await client.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
    }
    if (options.versioned) {
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    }
    return Bucket;
  } finally {
    client.destroy();
  }
}

async function putPolicy(client: S3Client, bucket: string, statements: readonly Statement[]): Promise<void> {
  const everything = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  const Statement = statements.map(({ user, ...statement }) => ({
    Resource: everything,
    ...statement,
    Principal: { AWS: [`arn:aws:iam:::user/${user.uid}`] },
  }));
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy })).finally(() => client.destroy());
}

async function setQuota(admin: S3Access['admin'], bucket: string, limits: Quota): Promise<void> {
  const scope = ['--quota-scope=bucket', `--bucket=${bucket}`];
  const { maxBytes = -1, maxObjects = -1 } = limits;
  if (maxBytes < 0 && maxObjects < 0) {
    await admin('quota', 'disable', ...scope);
    return;
  }
  await admin(
    'quota',
    'set',
    ...scope,
    `--max-size=${String(maxBytes)}`,
    `--max-objects=${String(maxObjects)}`,
  );
  await admin('quota', 'enable', ...scope);
}

async function lifecyclePass(configFile: string, days: number): Promise<void> {
  // Without the cache the program watches nothing: losing a watch has made it crash (release 16).
  const pass = adminArgs(configFile, ['lc', 'process', '--rgw-cache-enabled=false']);
  const run = () =>
    runTool(locateOrThrow('faketime'), ['-f', `+${String(days)}d`, locateOrThrow('radosgw-admin'), ...pass], {
      // Only the calendar is false, so that time-outs inside the program stay real.
      env: { FAKETIME_DONT_FAKE_MONOTONIC: '1' },
      timeoutMs: 300_000,
    });
  // A pass over rules that were carried out changes nothing, so one that has died is made up for.
  await run().catch(run);
}
