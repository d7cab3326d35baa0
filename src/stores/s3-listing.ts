/** Listings of a bucket: objects, folders, versions. */
import {
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type DeleteMarkerEntry,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion as ListedVersion,
} from '@aws-sdk/client-s3';
import { throwIfCancelled } from '../errors.ts';
import { storeFailed, type Place } from './errors.ts';
import { decoded, NOT_S3, type S3Requests } from './s3-requests.ts';
import type { ObjectInfo, ObjectVersion } from './store.ts';

const BREAKS_OFF = 'the answer breaks off';
const GOES_ROUND = 'the answer goes on where it began, for ever';

// Encoded, or one foreign key with a control character would make the whole answer unreadable.
const ENCODED = { EncodingType: 'url' } as const;

/** All objects whose key starts with the prefix. */
export async function* listObjects(
  requests: S3Requests,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectInfo> {
  for await (const page of pages(requests, { Prefix: requests.prefix + prefix }, prefix, signal)) {
    for (const { Key, Size, LastModified } of page.Contents ?? []) {
      const key = requests.keyOf(Key);
      if (key === undefined) continue;
      throwIfCancelled(signal);
      yield infoOf({ url: requests.url, key }, key, Size, LastModified);
    }
  }
}

/** The names of the folders directly below a prefix that ends with a slash, or is empty. */
export async function listFolders(
  requests: S3Requests,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const names: string[] = [];
  const ask = { Prefix: requests.prefix + prefix, Delimiter: '/' };
  for await (const page of pages(requests, ask, prefix, signal)) {
    for (const { Prefix } of page.CommonPrefixes ?? []) {
      const folder = requests.keyOf(Prefix?.replace(/\/$/, ''));
      if (folder !== undefined) names.push(folder.slice(prefix.length));
    }
  }
  return names;
}

/** Asks for one object at most: whether the bucket is there and may be listed. */
export async function touch(requests: S3Requests, signal: AbortSignal | undefined): Promise<void> {
  await listPage(requests, { Prefix: requests.prefix, MaxKeys: 1 }, undefined, signal);
}

/** Every version and delete marker of the keys that start with the prefix. */
export async function* listVersions(
  requests: S3Requests,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ObjectVersion> {
  for await (const page of versionPages(requests, prefix, signal)) {
    for (const listed of page.Versions ?? []) {
      throwIfCancelled(signal);
      const version = versionOf(requests, listed, listed.Size, false);
      if (version !== undefined) yield version;
    }
    for (const listed of page.DeleteMarkers ?? []) {
      throwIfCancelled(signal);
      const marker = versionOf(requests, listed, 0, true);
      if (marker !== undefined) yield marker;
    }
  }
}

/**
 * What the port tells about an object.
 * @throws STORE_FAILED when the server does not tell it.
 */
export function infoOf(
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

async function* pages(
  requests: S3Requests,
  ask: Pick<ListObjectsV2CommandInput, 'Prefix' | 'Delimiter'>,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListObjectsV2CommandOutput> {
  const place = { url: requests.url, key: prefix || undefined };
  let token: string | undefined;
  do {
    const page = await listPage(requests, { ...ask, ContinuationToken: token }, prefix || undefined, signal);
    yield page;
    const next = page.NextContinuationToken;
    if (page.IsTruncated && next === undefined) throw storeFailed(place, 'list', BREAKS_OFF);
    if (next !== undefined && next === token) throw storeFailed(place, 'list', GOES_ROUND);
    token = next;
  } while (token !== undefined);
}

async function listPage(
  requests: S3Requests,
  ask: Omit<ListObjectsV2CommandInput, 'Bucket' | 'EncodingType'>,
  prefix: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ListObjectsV2CommandOutput> {
  const attempt = requests.attemptAt('list', 's3:ListBucket', prefix);
  const list = new ListObjectsV2Command({ ...ask, Bucket: requests.bucket, ...ENCODED });
  const page = await requests.ask(attempt, (client, options) => client.send(list, options), signal);
  if (page.Name === undefined) throw storeFailed(attempt, 'list', NOT_S3);
  return page;
}

async function* versionPages(
  requests: S3Requests,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListObjectVersionsCommandOutput> {
  const attempt = requests.attemptAt('list the versions in', 's3:ListBucketVersions', prefix || undefined);
  const ask = { Bucket: requests.bucket, Prefix: requests.prefix + prefix, ...ENCODED };
  let from: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } = {};
  for (;;) {
    const list = new ListObjectVersionsCommand({ ...ask, ...from });
    const page = await requests.ask(attempt, (client, options) => client.send(list, options), signal);
    if (page.Name === undefined) throw storeFailed(attempt, 'list', NOT_S3);
    yield page;
    if (!page.IsTruncated) return;
    const next = markerOf(page);
    if (next === undefined) throw storeFailed(attempt, 'list', BREAKS_OFF);
    const VersionIdMarker = page.NextVersionIdMarker;
    if (next === from.KeyMarker && VersionIdMarker === from.VersionIdMarker)
      throw storeFailed(attempt, 'list', GOES_ROUND);
    from = { KeyMarker: next, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) };
  }
}

/** Where the next page starts. AWS encodes this name like all others, Ceph does not: the page itself tells which. */
function markerOf(page: ListObjectVersionsCommandOutput): string | undefined {
  const { NextKeyMarker: marker } = page;
  if (marker === undefined) return undefined;
  const names = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key = '' }) => Key);
  return names.includes(marker) ? decoded(marker) : marker;
}

function versionOf(
  requests: S3Requests,
  listed: ListedVersion | DeleteMarkerEntry,
  bytes: number | undefined,
  isMarker: boolean,
): ObjectVersion | undefined {
  const key = requests.keyOf(listed.Key);
  if (key === undefined) return undefined;
  const place = { url: requests.url, key };
  const { VersionId: version } = listed;
  if (version === undefined) throw storeFailed(place, 'read', 'the server does not name its version');
  const info = infoOf(place, key, bytes, listed.LastModified);
  return { ...info, version, isLatest: listed.IsLatest === true, isMarker };
}
