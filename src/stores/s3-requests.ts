/** Requests to one bucket: what every part of an S3 store sends with, and what it calls things by. */
import type { S3Client } from '@aws-sdk/client-s3';
import { throwIfCancelled } from '../errors.ts';
import type { BucketAddress } from './address.ts';
import { assertKey, keyProblem } from './keys.ts';
import { connectS3, type S3Connection } from './s3-client.ts';
import { s3Failure, type Attempt } from './s3-errors.ts';
import { PROBE_KEY, type SendOptions } from './s3-probe.ts';
import type { S3Settings } from './s3-settings.ts';

/** A login page or another web server says 200 to everything, and the SDK would take that for an empty bucket. */
export const NOT_S3 = 'something answers there, but not as an S3 server does';

/** A request of the SDK's client. */
type Request<T> = (client: S3Client, options: SendOptions) => Promise<T>;

/** The connection to a bucket, below the store's prefix. */
export class S3Requests {
  readonly url: string;
  readonly bucket: string;
  /** Empty, or with its slash. */
  readonly prefix: string;
  readonly connection: S3Connection;

  constructor(url: string, address: BucketAddress, settings: S3Settings) {
    this.url = url;
    this.bucket = address.bucket;
    this.prefix = address.prefix;
    this.connection = connectS3(url, settings);
  }

  /** Sends; throws what the SDK throws, or CANCELLED. */
  async send<T>(request: Request<T>, signal: AbortSignal | undefined): Promise<T> {
    throwIfCancelled(signal);
    try {
      return await request(this.connection.client, signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      throwIfCancelled(signal);
      throw error;
    }
  }

  /** Sends; throws what went wrong as an error for people. */
  async ask<T>(attempt: Attempt, request: Request<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      return await this.send(request, signal);
    } catch (error) {
      throw s3Failure(error, attempt);
    }
  }

  /** Bucket and key of an object, as parameters of a request. */
  object(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket, Key: this.prefix + key };
  }

  /**
   * What is tried with an object, or with the whole bucket.
   * @param doing - completes "not allowed to …".
   * @param permission - what it needs, e.g. `s3:PutObject`.
   * @throws STORE_KEY
   */
  attempt(doing: string, permission: string, key?: string): Attempt {
    if (key !== undefined) assertKey(this.url, key);
    return this.attemptAt(doing, permission, key);
  }

  /** The same for a prefix, which need not be a key. */
  attemptAt(doing: string, permission: string, prefix: string | undefined): Attempt {
    return { url: this.url, bucket: this.bucket, key: prefix, doing, permission };
  }

  /** What a listed, encoded name is to us: undefined for names that are no keys, and for the probe. */
  keyOf(name: string | undefined): string | undefined {
    if (name === undefined) return undefined;
    const key = decoded(name).slice(this.prefix.length);
    return keyProblem(key) === undefined && !isProbe(key) ? key : undefined;
  }
}

/** A name as it was before the server encoded it (`encoding-type=url`). */
export function decoded(name: string): string {
  return decodeURIComponent(name.replaceAll('+', ' '));
}

/** True for the key of the probe and for its folder, which holds nothing else. */
function isProbe(key: string): boolean {
  return key === PROBE_KEY || key === PROBE_KEY.split('/')[0];
}
