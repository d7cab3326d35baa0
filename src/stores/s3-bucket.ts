/** What an S3 bucket says about itself, and its lifecycle rules. */
import {
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  type GetBucketLifecycleConfigurationCommandOutput,
  type ObjectLockRule,
} from '@aws-sdk/client-s3';
import type { Bucket, BucketLock, LifecycleRule, ObjectLock } from './bucket.ts';
import { s3Code, s3Failure, s3Region, s3Status } from './s3-errors.ts';
import { ruleFrom, ruleTo } from './s3-lifecycle.ts';
import { lockOf, modeOf } from './s3-lock.ts';
import type { S3Requests } from './s3-requests.ts';

const DAYS_OF_A_YEAR = 365;

/** The bucket of a store. */
export class S3Bucket implements Bucket {
  readonly prefix: string;
  readonly #requests: S3Requests;

  constructor(requests: S3Requests) {
    this.prefix = requests.prefix;
    this.#requests = requests;
  }

  async location(signal?: AbortSignal): Promise<string | undefined> {
    const attempt = this.#requests.attempt('ask for the region of', 's3:GetBucketLocation');
    const get = new GetBucketLocationCommand({ Bucket: this.#requests.bucket });
    try {
      const answer = await this.#requests.send((client, options) => client.send(get, options), signal);
      return regionFrom(answer.LocationConstraint, this.#requests.connection.isAws());
    } catch (error) {
      // Asked in the wrong region, AWS refuses and says the right one.
      const region = s3Region(error);
      if (region !== undefined) return region;
      if (isUnknown(error)) return undefined;
      throw s3Failure(error, attempt);
    }
  }

  async versioning(signal?: AbortSignal): Promise<'enabled' | 'suspended' | 'off'> {
    const attempt = this.#requests.attempt('ask for the versions of', 's3:GetBucketVersioning');
    const get = new GetBucketVersioningCommand({ Bucket: this.#requests.bucket });
    try {
      const { Status } = await this.#requests.send((client, options) => client.send(get, options), signal);
      if (Status === 'Enabled') return 'enabled';
      return Status === 'Suspended' ? 'suspended' : 'off';
    } catch (error) {
      if (isUnknown(error)) return 'off';
      throw s3Failure(error, attempt);
    }
  }

  async objectLock(signal?: AbortSignal): Promise<BucketLock> {
    const permission = 's3:GetBucketObjectLockConfiguration';
    const attempt = this.#requests.attempt('ask for the locks of', permission);
    const get = new GetObjectLockConfigurationCommand({ Bucket: this.#requests.bucket });
    try {
      const answer = await this.#requests.send((client, options) => client.send(get, options), signal);
      const { ObjectLockEnabled, Rule } = answer.ObjectLockConfiguration ?? {};
      const defaultRetention = retentionOf(Rule);
      return {
        enabled: ObjectLockEnabled === 'Enabled',
        ...(defaultRetention === undefined ? {} : { defaultRetention }),
      };
    } catch (error) {
      if (isUnknown(error) || s3Code(error) === 'ObjectLockConfigurationNotFoundError')
        return { enabled: false };
      throw s3Failure(error, attempt);
    }
  }

  async lifecycle(signal?: AbortSignal): Promise<readonly LifecycleRule[]> {
    return ((await this.#configuration(signal))?.Rules ?? []).map(ruleFrom);
  }

  async putLifecycle(rules: readonly LifecycleRule[], signal?: AbortSignal): Promise<void> {
    const Bucket = this.#requests.bucket;
    const attempt = this.#requests.attempt('set the lifecycle rules of', 's3:PutLifecycleConfiguration');
    if (rules.length === 0) {
      const remove = new DeleteBucketLifecycleCommand({ Bucket });
      await this.#requests.ask(attempt, (client, options) => client.send(remove, options), signal);
      return;
    }
    // A setting of the whole configuration, about the transitions of others: left out, AWS would reset it.
    const kept = (await this.#configuration(signal))?.TransitionDefaultMinimumObjectSize;
    const put = new PutBucketLifecycleConfigurationCommand({
      Bucket,
      LifecycleConfiguration: { Rules: rules.map(ruleTo) },
      ...(kept === undefined ? {} : { TransitionDefaultMinimumObjectSize: kept }),
    });
    await this.#requests.ask(attempt, (client, options) => client.send(put, options), signal);
  }

  lockOf(key: string, version: string | undefined, signal?: AbortSignal): Promise<ObjectLock | undefined> {
    return lockOf(this.#requests, key, version, signal);
  }

  async #configuration(
    signal: AbortSignal | undefined,
  ): Promise<GetBucketLifecycleConfigurationCommandOutput | undefined> {
    const attempt = this.#requests.attempt('read the lifecycle rules of', 's3:GetLifecycleConfiguration');
    const get = new GetBucketLifecycleConfigurationCommand({ Bucket: this.#requests.bucket });
    try {
      return await this.#requests.send((client, options) => client.send(get, options), signal);
    } catch (error) {
      if (s3Code(error) === 'NoSuchLifecycleConfiguration') return undefined;
      throw s3Failure(error, attempt);
    }
  }
}

/** What GetBucketLocation says. On AWS no name is the oldest region, and `EU` the oldest of Europe; elsewhere no name says nothing. */
export function regionFrom(constraint: string | undefined, isAws: boolean): string | undefined {
  if (constraint === undefined || constraint === '') return isAws ? 'us-east-1' : undefined;
  return isAws && constraint === 'EU' ? 'eu-west-1' : constraint;
}

function retentionOf(rule: ObjectLockRule | undefined): BucketLock['defaultRetention'] {
  const { Mode, Days, Years } = rule?.DefaultRetention ?? {};
  const mode = modeOf(Mode);
  if (mode === undefined) return undefined;
  return { mode, days: Days ?? (Years ?? 0) * DAYS_OF_A_YEAR };
}

/** The server does not know the question. */
function isUnknown(error: unknown): boolean {
  return s3Status(error) === 501 || s3Code(error) === 'NotImplemented';
}
