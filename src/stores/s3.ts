/**
 * A store in an S3 bucket, AWS or compatible.
 *
 * An object is one PutObject of a buffer (objects are small, so no multipart upload is ever left behind) with a
 * digest that the server checks. Nothing is retried here, see `retry.ts`.
 */
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { isHoldfastError, throwIfCancelled } from '../errors.ts';
import { bucketOf, type BucketAddress } from './address.ts';
import { clockSkew, objectMissing, objectShort, storeFailed, type Place } from './errors.ts';
import { assertFolder, assertKey, assertPrefix, assertRange, assertSize, keyProblem } from './keys.ts';
import { digestOf, readBody } from './s3-body.ts';
import { connectS3, type S3Connection, type ServerTime } from './s3-client.ts';
import { s3Failure, s3Status, type Attempt } from './s3-errors.ts';
import { PROBE_KEY, probeBucket, probeIfAbsent, type ProbeTarget, type SendOptions } from './s3-probe.ts';
import type { S3Settings } from './s3-settings.ts';
import type { ByteRange, ObjectInfo, PutOptions, Store, StoreFeatures } from './store.ts';

/** The most that DeleteObjects takes. */
const DELETIONS = 1000;

/** A login page or another web server says 200 to everything, and the SDK would take that for an empty bucket. */
const NOT_S3 = 'something answers there, but not as an S3 server does';

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
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #settings: S3Settings;
  readonly #connection: S3Connection;
  #ifAbsent: Promise<boolean> | undefined;
  #features: StoreFeatures | undefined;

  constructor(url: string, address: BucketAddress, settings: S3Settings) {
    this.url = url;
    this.#bucket = address.bucket;
    this.#prefix = address.prefix;
    this.#settings = settings;
    this.#connection = connectS3(url, settings);
  }

  /** A bucket is made with the provider's tools, where its region, versions and locks are decided. */
  async create(signal?: AbortSignal): Promise<void> {
    await this.check(signal);
  }

  /** Lists, because some servers have no HeadBucket and some policies allow it only under the prefix. */
  async check(signal?: AbortSignal): Promise<void> {
    await this.#listPage({ Prefix: this.#prefix, MaxKeys: 1 }, undefined, signal);
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
    const attempt = this.#attempt('write', 's3:PutObject', key);
    assertSize(attempt, bytes.length);
    const conditional = options.ifAbsent === true && (await this.#holdsIfAbsent(signal));
    if (options.ifAbsent && !conditional && (await this.#seemsThere(key, signal))) return 'already-there';
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const put = new PutObjectCommand({
      ...this.#object(key),
      Body: body,
      ContentLength: body.length,
      ...digestOf(body, this.#settings.checksum),
      ...(this.#settings.acl === undefined ? {} : { ACL: this.#settings.acl }),
      ...(conditional ? { IfNoneMatch: '*' } : {}),
    });
    try {
      const { ETag } = await this.#send((client, sendOptions) => client.send(put, sendOptions), signal);
      if (ETag === undefined) throw storeFailed(attempt, 'write', NOT_S3);
      return 'written';
    } catch (error) {
      if (conditional && s3Status(error) === 412) return 'already-there';
      throw s3Failure(error, attempt);
    }
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Buffer> {
    const attempt = this.#attempt('read', 's3:GetObject', key);
    assertRange(attempt, range);
    // HTTP has no empty range.
    if (range?.length === 0) return this.#getNothing(key, range, signal);
    const get = new GetObjectCommand({
      ...this.#object(key),
      ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
    });
    try {
      const response = await this.#send((client, options) => client.send(get, options), signal);
      return await readBody(response, attempt, range);
    } catch (error) {
      throwIfCancelled(signal);
      throw s3Failure(error, attempt);
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    const attempt = this.#attempt('read', 's3:GetObject', key);
    const head = new HeadObjectCommand(this.#object(key));
    try {
      const { ContentLength, LastModified } = await this.#send(
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
    for await (const page of this.#pages({ Prefix: this.#prefix + prefix }, prefix, signal)) {
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        const key = this.#keyOf(Key);
        if (key === undefined) continue;
        throwIfCancelled(signal);
        yield infoOf({ url: this.url, key }, key, Size, LastModified);
      }
    }
  }

  async folders(prefix: string, signal?: AbortSignal): Promise<string[]> {
    assertFolder(this.url, prefix);
    const names: string[] = [];
    const ask = { Prefix: this.#prefix + prefix, Delimiter: '/' };
    for await (const page of this.#pages(ask, prefix, signal)) {
      for (const { Prefix } of page.CommonPrefixes ?? []) {
        const folder = this.#keyOf(Prefix?.replace(/\/$/, ''));
        if (folder !== undefined) names.push(folder.slice(prefix.length));
      }
    }
    return names;
  }

  async remove(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const key of keys) assertKey(this.url, key);
    for (let start = 0; start < keys.length; start += DELETIONS) {
      await this.#removeSome(keys.slice(start, start + DELETIONS), signal);
    }
  }

  async now(signal?: AbortSignal): Promise<Date> {
    throwIfCancelled(signal);
    const known = this.#connection.serverTime();
    if (known !== undefined && performance.now() - known.heardMs < TIME_IS_FRESH_MS) return timeOf(known);
    try {
      await this.check(signal);
    } catch (error) {
      // A refusal has a date too.
      if (!isHoldfastError(error, 'STORE_DENIED')) throw error;
    }
    const heard = this.#connection.serverTime();
    if (heard === undefined) throw clockSkew(this.url, 'its answers have no date');
    return timeOf(heard);
  }

  close(): Promise<void> {
    this.#connection.close();
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
      bucket: this.#bucket,
      prefix: this.#prefix,
      send: (request) => this.#send(request, signal),
    };
    try {
      return await probe(target);
    } catch (error) {
      throw s3Failure(error, this.#attempt(doing, permission));
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

  async #removeSome(keys: readonly string[], signal: AbortSignal | undefined): Promise<void> {
    const attempt = this.#attempt('remove', 's3:DeleteObject', keys[0]);
    const Delete = { Objects: keys.map((key) => ({ Key: this.#prefix + key })), Quiet: true };
    const remove = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete });
    try {
      const { Errors } = await this.#send((client, options) => client.send(remove, options), signal);
      for (const { Key, Code, Message } of Errors ?? []) {
        if (Code === 'NoSuchKey') continue;
        const refusal = Object.assign(new Error(Message ?? ''), { Code });
        throw s3Failure(refusal, { ...attempt, key: Key?.slice(this.#prefix.length) });
      }
    } catch (error) {
      throw s3Failure(error, attempt);
    }
  }

  async *#pages(
    ask: Pick<ListObjectsV2CommandInput, 'Prefix' | 'Delimiter'>,
    prefix: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ListObjectsV2CommandOutput> {
    const place = { url: this.url, key: prefix || undefined };
    let token: string | undefined;
    do {
      const page = await this.#listPage({ ...ask, ContinuationToken: token }, prefix || undefined, signal);
      yield page;
      token = page.NextContinuationToken;
      if (page.IsTruncated && token === undefined) throw storeFailed(place, 'list', 'the answer breaks off');
    } while (token !== undefined);
  }

  async #listPage(
    ask: Omit<ListObjectsV2CommandInput, 'Bucket' | 'EncodingType'>,
    prefix: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ListObjectsV2CommandOutput> {
    const attempt = this.#attempt('list', 's3:ListBucket', prefix);
    // Encoded, or one foreign key with a control character would make the whole answer unreadable.
    const list = new ListObjectsV2Command({ ...ask, Bucket: this.#bucket, EncodingType: 'url' });
    try {
      const page = await this.#send((client, options) => client.send(list, options), signal);
      if (page.Name === undefined) throw storeFailed(attempt, 'list', NOT_S3);
      return page;
    } catch (error) {
      throw s3Failure(error, attempt);
    }
  }

  /** What a listed name is to us: undefined for names that are no keys, and for the probe. */
  #keyOf(name: string | undefined): string | undefined {
    if (name === undefined) return undefined;
    const decoded = decodeURIComponent(name.replaceAll('+', ' '));
    const key = decoded.slice(this.#prefix.length);
    return keyProblem(key) === undefined && !isProbe(key) ? key : undefined;
  }

  async #send<T>(
    request: (client: S3Client, options: SendOptions) => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    throwIfCancelled(signal);
    try {
      return await request(this.#connection.client, signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      throwIfCancelled(signal);
      throw error;
    }
  }

  #object(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  #attempt(doing: string, permission: string, key?: string): Attempt {
    if (key !== undefined && doing !== 'list') assertKey(this.url, key);
    return { url: this.url, bucket: this.#bucket, key, doing, permission };
  }
}

function timeOf({ date, heardMs }: ServerTime): Date {
  return new Date(date.getTime() + (performance.now() - heardMs));
}

function infoOf(
  place: Place,
  key: string,
  bytes: number | undefined,
  modified: Date | undefined,
): ObjectInfo {
  if (bytes !== undefined && modified !== undefined) {
    // Listings of some servers have fractions that a HEAD, an HTTP date, cannot have: one object, one time.
    return { key, bytes, modified: new Date(Math.floor(modified.getTime() / 1000) * 1000) };
  }
  throw storeFailed(place, 'read', 'the server tells neither size nor time');
}

/** True for the key of the probe and for its folder, which holds nothing else. */
function isProbe(key: string): boolean {
  return key === PROBE_KEY || key === PROBE_KEY.split('/')[0];
}
