/**
 * A store in an S3 bucket, AWS or compatible.
 *
 * An object is one PutObject of a buffer (objects are small, so no multipart upload is ever left behind) with a
 * digest that the server checks. Nothing is retried here, see `retry.ts`.
 */
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { isHoldfastError, throwIfCancelled } from '../errors.ts';
import { bucketOf, type BucketAddress } from './address.ts';
import type { Bucket } from './bucket.ts';
import { cannotLock, clockSkew, objectMissing, objectShort, storeFailed } from './errors.ts';
import { assertFolder, assertKey, assertPrefix, assertRange, assertSize } from './keys.ts';
import { digestOf, readBody } from './s3-body.ts';
import { S3Bucket } from './s3-bucket.ts';
import type { ServerTime } from './s3-client.ts';
import { s3Code, s3Failure, s3Status } from './s3-errors.ts';
import { infoOf, listFolders, listObjects, listVersions, touch } from './s3-listing.ts';
import { lockParameters } from './s3-lock.ts';
import { probeBucket, probeIfAbsent, type ProbeTarget } from './s3-probe.ts';
import { removeKeys, removeVersions } from './s3-removal.ts';
import { NOT_S3, S3Requests } from './s3-requests.ts';
import type { S3Settings } from './s3-settings.ts';
import type {
  ByteRange,
  ObjectInfo,
  ObjectVersion,
  PutOptions,
  RemoveOptions,
  Store,
  StoreFeatures,
  StuckVersion,
} from './store.ts';
import { onlyVersion } from './versions.ts';

const NO_LOCKS = 'its bucket has no Object Lock';

/** How long the time of the last response is good for. */
const TIME_IS_FRESH_MS = 60_000;

/**
 * Opens a store in a bucket; connects at the first request.
 * @param url - `s3://bucket` or `s3://bucket/prefix`.
 * @throws STORE_URL, STORE_SETTING, STORE_TRANSPORT (plain http to another host).
 */
export function openS3Store(url: string, settings: S3Settings = {}): Store {
  return new S3Store(url, bucketOf(url), settings);
}

class S3Store implements Store {
  readonly url: string;
  readonly bucket: Bucket;
  readonly #settings: S3Settings;
  readonly #requests: S3Requests;
  #ifAbsent: Promise<boolean> | undefined;
  #features: StoreFeatures | undefined;
  #canLock: boolean | undefined;
  #keepsVersions: boolean | undefined;

  constructor(url: string, address: BucketAddress, settings: S3Settings) {
    this.url = url;
    this.#settings = settings;
    this.#requests = new S3Requests(url, address, settings);
    this.bucket = new S3Bucket(this.#requests);
  }

  /** A bucket is made with the provider's tools, where its region, versions and locks are decided. */
  async create(signal?: AbortSignal): Promise<void> {
    await this.check(signal);
  }

  /** Lists, because some servers have no HeadBucket and some policies allow it only under the prefix. */
  async check(signal?: AbortSignal): Promise<void> {
    await touch(this.#requests, signal);
  }

  async features(signal?: AbortSignal): Promise<StoreFeatures> {
    throwIfCancelled(signal);
    this.#features ??= {
      ifAbsent: await this.#holdsIfAbsent(signal),
      ...(await this.#asked('read the settings of', 's3:GetBucketVersioning', probeBucket, signal)),
    };
    return this.#features;
  }

  async put(
    key: string,
    bytes: Uint8Array,
    options: PutOptions = {},
    signal?: AbortSignal,
  ): Promise<'written' | 'already-there'> {
    const attempt = this.#requests.attempt('write', 's3:PutObject', key);
    assertSize(attempt, bytes.length);
    if (options.lock !== undefined) await this.#requireLocks(signal);
    const conditional = options.ifAbsent === true && (await this.#holdsIfAbsent(signal));
    if (options.ifAbsent && !conditional && (await this.#seemsThere(key, signal))) return 'already-there';
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const put = new PutObjectCommand({
      ...this.#requests.object(key),
      Body: body,
      ContentLength: body.length,
      ...digestOf(body, this.#digestFor(options)),
      ...lockParameters(options.lock),
      ...(this.#settings.acl === undefined ? {} : { ACL: this.#settings.acl }),
      ...(conditional ? { IfNoneMatch: '*' } : {}),
    });
    try {
      const { ETag } = await this.#requests.send(
        (client, sendOptions) => client.send(put, sendOptions),
        signal,
      );
      if (ETag === undefined) throw storeFailed(attempt, 'write', NOT_S3);
      return 'written';
    } catch (error) {
      if (conditional && s3Status(error) === 412) return 'already-there';
      if (options.lock !== undefined && s3Code(error) === 'InvalidRequest')
        throw cannotLock(this.url, NO_LOCKS, error);
      throw s3Failure(error, attempt);
    }
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    const attempt = this.#requests.attempt('read', 's3:GetObject', key);
    assertRange(attempt, range);
    // HTTP has no empty range.
    if (range?.length === 0) return this.#getNothing(key, range, signal);
    const get = new GetObjectCommand({
      ...this.#requests.object(key),
      ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
    });
    try {
      const response = await this.#requests.send((client, options) => client.send(get, options), signal);
      return await readBody(response, attempt, range);
    } catch (error) {
      throwIfCancelled(signal);
      throw s3Failure(error, attempt);
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    const attempt = this.#requests.attempt('read', 's3:GetObject', key);
    const head = new HeadObjectCommand(this.#requests.object(key));
    try {
      const { ContentLength, LastModified } = await this.#requests.send(
        (client, options) => client.send(head, options),
        signal,
      );
      return infoOf(attempt, key, ContentLength, LastModified);
    } catch (error) {
      if (s3Status(error) === 404) return undefined;
      throw s3Failure(error, attempt);
    }
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectInfo> {
    assertPrefix(this.url, prefix);
    yield* listObjects(this.#requests, prefix, signal);
  }

  async *versions(prefix: string, signal?: AbortSignal): AsyncGenerator<ObjectVersion> {
    assertPrefix(this.url, prefix);
    if (await this.#mayHaveVersions(signal)) yield* listVersions(this.#requests, prefix, signal);
    else for await (const info of this.list(prefix, signal)) yield onlyVersion(info);
  }

  async folders(prefix: string, signal?: AbortSignal): Promise<string[]> {
    assertFolder(this.url, prefix);
    return listFolders(this.#requests, prefix, signal);
  }

  async remove(
    keys: readonly string[],
    options: RemoveOptions = {},
    signal?: AbortSignal,
  ): Promise<readonly StuckVersion[]> {
    for (const key of keys) assertKey(this.url, key);
    if (keys.length === 0) return [];
    if (options.allVersions && (await this.#mayHaveVersions(signal))) {
      return removeVersions(this.#requests, keys, options, signal);
    }
    await removeKeys(this.#requests, keys, signal);
    return [];
  }

  async now(signal?: AbortSignal): Promise<Date> {
    throwIfCancelled(signal);
    const known = this.#requests.connection.serverTime();
    if (known !== undefined && performance.now() - known.heardMs < TIME_IS_FRESH_MS) return timeOf(known);
    try {
      await this.check(signal);
    } catch (error) {
      // A refusal has a date too.
      if (!isHoldfastError(error, 'STORE_DENIED')) throw error;
    }
    const heard = this.#requests.connection.serverTime();
    if (heard === undefined) throw clockSkew(this.url, 'its answers have no date');
    return timeOf(heard);
  }

  close(): Promise<void> {
    this.#requests.connection.close();
    return Promise.resolve();
  }

  /** Asked once, and shared by puts that start at the same moment. */
  async #holdsIfAbsent(signal: AbortSignal | undefined): Promise<boolean> {
    for (;;) {
      throwIfCancelled(signal);
      this.#ifAbsent ??= this.#asked('write', 's3:PutObject', probeIfAbsent, signal);
      const asked = this.#ifAbsent;
      try {
        return await asked;
      } catch (error) {
        if (this.#ifAbsent === asked) this.#ifAbsent = undefined;
        // Somebody else's cancellation is no answer for us.
        if (!isHoldfastError(error, 'CANCELLED')) throw error;
      }
    }
  }

  async #asked<T>(
    doing: string,
    permission: string,
    probe: (target: ProbeTarget) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const target: ProbeTarget = {
      bucket: this.#requests.bucket,
      prefix: this.#requests.prefix,
      send: (request) => this.#requests.send(request, signal),
    };
    try {
      return await probe(target);
    } catch (error) {
      throw s3Failure(error, this.#requests.attempt(doing, permission));
    }
  }

  /** The best that is left where the server cannot refuse to overwrite: it has a gap, as features() says. */
  async #seemsThere(key: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      return (await this.head(key, signal)) !== undefined;
    } catch (error) {
      if (isHoldfastError(error, 'STORE_DENIED')) return false;
      throw error;
    }
  }

  async #getNothing(key: string, range: ByteRange, signal: AbortSignal | undefined): Promise<Buffer> {
    const info = await this.head(key, signal);
    if (info === undefined) throw objectMissing({ url: this.url, key });
    if (info.bytes < range.offset)
      throw objectShort({ url: this.url, key }, `byte ${range.offset} of ${info.bytes}`);
    return Buffer.alloc(0);
  }

  /** Servers that do not know locks ignore the wish: so the bucket is asked, once. */
  async #requireLocks(signal: AbortSignal | undefined): Promise<void> {
    try {
      this.#canLock ??= (await this.bucket.objectLock(signal)).enabled;
    } catch (error) {
      // A host that may only put. A server that keeps this question for others knows what a lock is.
      if (!isHoldfastError(error, 'STORE_DENIED')) throw error;
      this.#canLock = true;
    }
    if (!this.#canLock) throw cannotLock(this.url, NO_LOCKS);
  }

  /** Locks are only taken with a digest. */
  #digestFor({ lock }: PutOptions): S3Settings['checksum'] {
    const { checksum } = this.#settings;
    return lock !== undefined && checksum === 'none' ? 'content-md5' : checksum;
  }

  /** False only when the server says so, or has no versions at all. */
  async #mayHaveVersions(signal: AbortSignal | undefined): Promise<boolean> {
    try {
      this.#keepsVersions ??= (await this.bucket.versioning(signal)) !== 'off';
    } catch (error) {
      if (!isHoldfastError(error, 'STORE_DENIED')) throw error;
      this.#keepsVersions = true;
    }
    return this.#keepsVersions;
  }
}

function timeOf({ date, heardMs }: ServerTime): Date {
  return new Date(date.getTime() + (performance.now() - heardMs));
}
