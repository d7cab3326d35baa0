/**
 * What an S3 server really does, found out by trying.
 *
 * Servers that do not know a header ignore it: `If-None-Match` then overwrites, and nothing says so. So the
 * conditional put is tried, at one key that is always the same.
 */
import { createHash } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { s3Code, s3Status } from './s3-errors.ts';
import type { StoreFeatures } from './store.ts';

/** Relative to the store's prefix; no listing shows it. */
export const PROBE_KEY = 'probe/if-absent';

const BODY = Buffer.from(
  'Holdfast tried here whether this server can refuse to overwrite. Remove it if you like.\n',
);

/** One request; throws what the SDK throws. */
export type Send = <T>(request: (client: S3Client, options: SendOptions) => Promise<T>) => Promise<T>;

export interface SendOptions {
  readonly abortSignal?: AbortSignal;
}

export interface ProbeTarget {
  readonly bucket: string;
  /** The store's prefix, with its slash. */
  readonly prefix: string;
  readonly send: Send;
}

/** What the bucket says about itself; what it does not want to say counts as no. */
export async function probeBucket({
  bucket,
  send,
}: ProbeTarget): Promise<Pick<StoreFeatures, 'lifecycle' | 'versions' | 'objectLock'>> {
  const Bucket = { Bucket: bucket };
  const [versioning, lifecycle, lock] = await Promise.all([
    answer(send((client, options) => client.send(new GetBucketVersioningCommand(Bucket), options))),
    answer(
      send((client, options) => client.send(new GetBucketLifecycleConfigurationCommand(Bucket), options)),
    ),
    answer(send((client, options) => client.send(new GetObjectLockConfigurationCommand(Bucket), options))),
  ]);
  return {
    versions: versioning.value?.Status === 'Enabled',
    lifecycle: lifecycle.value !== undefined || lifecycle.refusal === 'NoSuchLifecycleConfiguration',
    objectLock: lock.value?.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled',
  };
}

/**
 * True when this bucket refuses to overwrite on request. Puts up to twice; needs the permission to put only, and
 * answers false without it. What it puts is removed again, where that is allowed and leaves no further trace.
 * @throws what the SDK throws when the server cannot be asked.
 */
export async function probeIfAbsent(target: ProbeTarget): Promise<boolean> {
  const first = await putIfAbsent(target);
  // Refused at once: left from an earlier probe, or another process probes at this moment.
  if (first.outcome !== 'written') return first.outcome === 'held';
  const second = await putIfAbsent(target);
  if (second.outcome === 'held' && first.version !== undefined) {
    // Left there: removing it would only put a marker on top, and every probe would add a version to the pile.
    return true;
  }
  await remove(target, first.version);
  if (second.version !== undefined) await remove(target, second.version);
  return second.outcome === 'held';
}

interface Put {
  readonly outcome: 'written' | 'held' | 'refused';
  /** Where the bucket keeps versions. */
  readonly version?: string | undefined;
}

async function putIfAbsent({ bucket, prefix, send }: ProbeTarget): Promise<Put> {
  const put = new PutObjectCommand({
    Bucket: bucket,
    Key: prefix + PROBE_KEY,
    Body: BODY,
    ContentMD5: createHash('md5').update(BODY).digest('base64'),
    IfNoneMatch: '*',
  });
  const { value, status } = await answer(send((client, options) => client.send(put, options)));
  if (value !== undefined) return { outcome: 'written', version: value.VersionId };
  // 409: another process is putting the same key at this moment, and the server watches over it.
  return { outcome: status === 412 || status === 409 ? 'held' : 'refused' };
}

async function remove({ bucket, prefix, send }: ProbeTarget, version: string | undefined): Promise<void> {
  const command = new DeleteObjectCommand({
    Bucket: bucket,
    Key: prefix + PROBE_KEY,
    ...(version === undefined ? {} : { VersionId: version }),
  });
  await answer(send((client, options) => client.send(command, options)));
}

interface Answered<T> {
  readonly value?: T;
  /** The server's code, when it said no. */
  readonly refusal?: string;
  readonly status?: number;
}

/** A refusal (4xx, 501) is an answer too; anything else means that the question was not heard. */
async function answer<T>(sent: Promise<T>): Promise<Answered<T>> {
  try {
    return { value: await sent };
  } catch (error) {
    const status = s3Status(error);
    const refusal = s3Code(error);
    const isAnswer =
      status !== undefined && ((status >= 400 && status < 500 && status !== 429) || status === 501);
    // Without a bucket or with wrong credentials nothing below it can be known.
    if (!isAnswer || FATAL.has(refusal)) throw error;
    return { refusal, status };
  }
}

const FATAL = new Set([
  'NoSuchBucket',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'RequestTimeout',
]);
