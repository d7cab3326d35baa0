/** Removing from a bucket: a key, or every version that it has ever had. */
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  type DeleteObjectsCommandInput,
  type _Error,
} from '@aws-sdk/client-s3';
import pLimit from 'p-limit';
import { isHoldfastError, reasonOf, throwIfCancelled } from '../errors.ts';
import type { ObjectLock } from './bucket.ts';
import { s3Code, s3Failure, s3Status, type Attempt } from './s3-errors.ts';
import { listVersions } from './s3-listing.ts';
import { isHeld, lockOf } from './s3-lock.ts';
import type { S3Requests } from './s3-requests.ts';
import type { RemoveOptions, StuckVersion } from './store.ts';

/** The most that DeleteObjects takes. */
const DELETIONS = 1000;

/** Listings and questions at once. */
const AT_ONCE = 8;

/** A refusal may be a lock about which we may not ask either. */
const DELETION = 's3:DeleteObjectVersion (and s3:GetObjectRetention, to tell a lock from a refusal)';

interface Doomed {
  readonly key: string;
  /** Undefined: the key as such, which in a bucket with versions puts a marker on top. */
  readonly version?: string;
}

interface Refusal extends Doomed {
  readonly error: _Error;
}

/** Removes keys; in a bucket with versions, hides them. Needs s3:DeleteObject. */
export async function removeKeys(
  requests: S3Requests,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const attempt = requests.attempt('remove', 's3:DeleteObject', keys[0]);
  for (const some of portions(keys.map((key) => ({ key })))) {
    const [refusal] = await removeSome(requests, some, {}, attempt, signal);
    if (refusal !== undefined) throw failureOf(refusal, attempt);
  }
}

/**
 * Removes every version and marker that keys have now. Needs s3:ListBucketVersions and s3:DeleteObjectVersion; where
 * something is locked, s3:GetObjectRetention and s3:GetObjectLegalHold to say so.
 * @returns what is locked.
 * @throws STORE_DENIED for what is refused and not locked, after everything else has been removed.
 */
export async function removeVersions(
  requests: S3Requests,
  keys: readonly string[],
  options: RemoveOptions,
  signal: AbortSignal | undefined,
): Promise<StuckVersion[]> {
  const attempt = requests.attempt('remove versions of', DELETION, keys[0]);
  const refusals: Refusal[] = [];
  for (const some of portions(await versionsOf(requests, keys, signal))) {
    refusals.push(...(await removeSome(requests, some, options, attempt, signal)));
  }
  const limit = pLimit(AT_ONCE);
  const explained = await Promise.all(
    refusals.map((refusal) => limit(() => explain(requests, refusal, options, signal))),
  );
  const unexplained = refusals.find((_, n) => explained[n] === undefined);
  if (unexplained !== undefined) throw failureOf(unexplained, attempt);
  return explained.filter((stuck) => stuck !== undefined);
}

/** One listing for each folder from which more than one key goes; a purge takes two or three from each. */
async function versionsOf(
  requests: S3Requests,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Doomed[]> {
  const wanted = new Set(keys);
  const byFolder = Map.groupBy(wanted, (key) => key.slice(0, key.lastIndexOf('/') + 1));
  const prefixes = [...byFolder].map(([folder, [first = '', ...more]]) => (more.length > 0 ? folder : first));
  const limit = pLimit(AT_ONCE);
  const found = prefixes.map((prefix) =>
    limit(async () => {
      const doomed: Doomed[] = [];
      for await (const { key, version } of listVersions(requests, prefix, signal)) {
        if (wanted.has(key)) doomed.push({ key, version });
      }
      return doomed;
    }),
  );
  return (await Promise.all(found)).flat();
}

async function removeSome(
  requests: S3Requests,
  doomed: readonly Doomed[],
  options: RemoveOptions,
  attempt: Attempt,
  signal: AbortSignal | undefined,
): Promise<Refusal[]> {
  const input: DeleteObjectsCommandInput = {
    Bucket: requests.bucket,
    Delete: { Objects: doomed.map((one) => identifierOf(requests, one)), Quiet: true },
    ...(options.bypassGovernance ? { BypassGovernanceRetention: true } : {}),
  };
  const remove = new DeleteObjectsCommand(input);
  const answer = requests.ask(attempt, (client, sending) => client.send(remove, sending), signal);
  const errors = await answer.then(
    ({ Errors }) => Errors ?? [],
    (error: unknown) => {
      // Ceph asks whether everything in the bucket may be removed; whoever may remove some of it does so one by one.
      if (isHoldfastError(error, 'STORE_DENIED'))
        return removeOneByOne(requests, doomed, options, attempt, signal);
      throw error;
    },
  );
  return errors
    .filter(({ Code }) => Code !== 'NoSuchKey' && Code !== 'NoSuchVersion')
    .map((error) => ({
      key: (error.Key ?? '').slice(requests.prefix.length),
      ...(error.VersionId === undefined ? {} : { version: error.VersionId }),
      error,
    }));
}

/** @returns the refusals, as DeleteObjects would have told them. */
async function removeOneByOne(
  requests: S3Requests,
  doomed: readonly Doomed[],
  { bypassGovernance }: RemoveOptions,
  attempt: Attempt,
  signal: AbortSignal | undefined,
): Promise<_Error[]> {
  const limit = pLimit(AT_ONCE);
  const remove = async (one: Doomed): Promise<_Error[]> => {
    const identifier = identifierOf(requests, one);
    const command = new DeleteObjectCommand({
      Bucket: requests.bucket,
      ...identifier,
      ...(bypassGovernance ? { BypassGovernanceRetention: true } : {}),
    });
    try {
      await requests.send((client, sending) => client.send(command, sending), signal);
      return [];
    } catch (error) {
      throwIfCancelled(signal);
      const status = s3Status(error);
      if (status !== 403 && status !== 404) throw s3Failure(error, { ...attempt, key: one.key });
      return [{ ...identifier, Code: s3Code(error), Message: reasonOf(error) }];
    }
  };
  return (await Promise.all(doomed.map((one) => limit(() => remove(one))))).flat();
}

function identifierOf(requests: S3Requests, { key, version }: Doomed): { Key: string; VersionId?: string } {
  return { Key: requests.prefix + key, ...(version === undefined ? {} : { VersionId: version }) };
}

/** Servers say AccessDenied for a lock and for a missing permission alike: the version itself is asked. */
async function explain(
  requests: S3Requests,
  { key, version = 'null', error }: Refusal,
  { bypassGovernance = false }: RemoveOptions,
  signal: AbortSignal | undefined,
): Promise<StuckVersion | undefined> {
  if (error.Code !== 'AccessDenied') return undefined;
  const lock = await unlessDenied(lockOf(requests, key, version, signal), signal);
  if (lock !== undefined) {
    const reason = reasonFor(lock, bypassGovernance);
    return { key, version, reason, lockedUntil: lock.until };
  }
  if (await unlessDenied(isHeld(requests, key, version, signal), signal)) {
    return { key, version, reason: 'under a legal hold' };
  }
  // AWS says it in words, which may be all that we are allowed to know.
  const isLock = /object lock/i.test(error.Message ?? '');
  return isLock ? { key, version, reason: 'locked (until when, we are not allowed to ask)' } : undefined;
}

function reasonFor({ mode, until }: ObjectLock, bypassGovernance: boolean): string {
  const locked = `locked in ${mode} mode until ${until.toISOString().replace(/\.\d+/, '')}`;
  const isRefusedBypass = bypassGovernance && mode === 'governance';
  return isRefusedBypass ? `${locked}; bypassing that needs s3:BypassGovernanceRetention` : locked;
}

async function unlessDenied<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    throwIfCancelled(signal);
    if (isHoldfastError(error, 'STORE_DENIED') || isHoldfastError(error, 'STORE_OBJECT_MISSING'))
      return undefined;
    throw error;
  }
}

function failureOf({ key, error }: Refusal, attempt: Attempt): unknown {
  const refused = Object.assign(new Error(error.Message ?? ''), { Code: error.Code });
  return s3Failure(refused, { ...attempt, key });
}

function* portions(doomed: readonly Doomed[]): Generator<readonly Doomed[]> {
  for (let start = 0; start < doomed.length; start += DELETIONS) yield doomed.slice(start, start + DELETIONS);
}
