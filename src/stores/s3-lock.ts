/** Object Lock: what a put asks for, and what an object has. */
import {
  GetObjectLegalHoldCommand,
  GetObjectRetentionCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import type { ObjectLock } from './bucket.ts';
import { storeFailed } from './errors.ts';
import { s3Code, s3Failure } from './s3-errors.ts';
import type { S3Requests } from './s3-requests.ts';

/** The lock of a put, as parameters of PutObject. */
export function lockParameters(
  lock: ObjectLock | undefined,
): Pick<PutObjectCommandInput, 'ObjectLockMode' | 'ObjectLockRetainUntilDate'> {
  if (lock === undefined) return {};
  return {
    ObjectLockMode: lock.mode === 'compliance' ? 'COMPLIANCE' : 'GOVERNANCE',
    // Up, because servers may cut: a lock never ends before it was asked to.
    ObjectLockRetainUntilDate: new Date(Math.ceil(lock.until.getTime() / 1000) * 1000),
  };
}

/** `GOVERNANCE` or `COMPLIANCE` in our words; undefined for anything else. */
export function modeOf(mode: string | undefined): ObjectLock['mode'] | undefined {
  if (mode === 'COMPLIANCE') return 'compliance';
  return mode === 'GOVERNANCE' ? 'governance' : undefined;
}

/** What servers say when a version, or its whole bucket, has no lock. InvalidRequest: the bucket cannot lock. */
const NO_LOCK: ReadonlySet<string> = new Set([
  'NoSuchObjectLockConfiguration',
  'ObjectLockConfigurationNotFoundError',
  'InvalidRequest',
  'NotImplemented',
]);

/**
 * The lock of one version; see `Bucket.lockOf`. Needs s3:GetObjectRetention.
 * @throws STORE_OBJECT_MISSING, STORE_DENIED
 */
export async function lockOf(
  requests: S3Requests,
  key: string,
  version: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ObjectLock | undefined> {
  const attempt = requests.attempt('read the lock of', 's3:GetObjectRetention', key);
  const get = new GetObjectRetentionCommand({ ...requests.object(key), ...versionParameter(version) });
  try {
    const { Retention } = await requests.send((client, options) => client.send(get, options), signal);
    const mode = modeOf(Retention?.Mode);
    const until = Retention?.RetainUntilDate;
    if (mode !== undefined && until !== undefined) return { mode, until };
    throw storeFailed(attempt, 'read the lock of', 'the server does not tell mode and date');
  } catch (error) {
    if (NO_LOCK.has(s3Code(error))) return undefined;
    throw s3Failure(error, attempt);
  }
}

/** Whether a version is under a legal hold. Needs s3:GetObjectLegalHold. */
export async function isHeld(
  requests: S3Requests,
  key: string,
  version: string | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const attempt = requests.attempt('read the legal hold of', 's3:GetObjectLegalHold', key);
  const get = new GetObjectLegalHoldCommand({ ...requests.object(key), ...versionParameter(version) });
  try {
    const { LegalHold } = await requests.send((client, options) => client.send(get, options), signal);
    return LegalHold?.Status === 'ON';
  } catch (error) {
    if (NO_LOCK.has(s3Code(error))) return false;
    throw s3Failure(error, attempt);
  }
}

function versionParameter(version: string | undefined): { VersionId?: string } {
  return version === undefined ? {} : { VersionId: version };
}
