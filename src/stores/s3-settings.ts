/** What an S3 store needs to know beyond its address and what AWS tools take from the environment. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { reasonOf } from '../errors.ts';
import { badStoreSetting, transportRefused } from './errors.ts';

/** How a put proves to the server that its bytes arrived. */
export type Checksum = 'content-md5' | 'sha256' | 'crc32' | 'none';

export interface S3Settings {
  /** Default: AWS_REGION or the profile's; `us-east-1` when there is an endpoint of its own. */
  readonly region?: string | undefined;
  /** For servers that are not AWS: `https://s3.example.com`. */
  readonly endpoint?: string | undefined;
  /** `endpoint/bucket/key` instead of `bucket.endpoint/key`. Default: only when there is an endpoint of its own. */
  readonly forcePathStyle?: boolean | undefined;
  /** Default `content-md5`: every server verifies it. Some accept the newer headers and ignore them. */
  readonly checksum?: Checksum | undefined;
  /**
   * For servers where an object belongs to the user who wrote it (Ceph, old AWS buckets): lets the bucket's owner
   * read what a host with rights of its own has put. AWS then asks for s3:PutObjectAcl as well.
   */
  readonly acl?: 'bucket-owner-full-control' | undefined;
  /** A PEM file: only servers with a certificate from one of these authorities are trusted. */
  readonly caFile?: string | undefined;
  /** A profile of `~/.aws/config` or `~/.aws/credentials`. */
  readonly profile?: string | undefined;
  /** Most sockets at once. Default 16. */
  readonly connections?: number | undefined;
  /** How long to wait for a connection. Default 10 s. */
  readonly connectTimeoutMs?: number | undefined;
  /** How long nothing may come or go on a connection with a request. Default 60 s. */
  readonly idleTimeoutMs?: number | undefined;
}

/**
 * The endpoint, checked.
 * @throws STORE_SETTING when it is no http(s) URL or holds a password, STORE_TRANSPORT when it is http to another host.
 */
export function endpointOf(url: string, settings: S3Settings): string | undefined {
  const { endpoint } = settings;
  if (endpoint === undefined) return undefined;
  const parsed = URL.parse(endpoint);
  if (parsed === null) throw badStoreSetting('endpoint', 'not a URL such as https://s3.example.com');
  if (parsed.username !== '' || parsed.password !== '') {
    throw badStoreSetting('endpoint', 'credentials do not belong in it');
  }
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') {
    throw badStoreSetting('endpoint', 'must start with https://');
  }
  assertTransport(url, parsed.protocol, parsed.hostname);
  return endpoint;
}

/**
 * Lets a request pass that is encrypted or stays on this machine.
 * @throws STORE_TRANSPORT
 */
export function assertTransport(url: string, protocol: string, hostname: string): void {
  if (protocol !== 'https:' && !isLoopback(hostname)) throw transportRefused(url, hostname);
}

/** True for names and addresses that never leave this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  if (host === 'localhost' || host.endsWith('.localhost') || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}

/**
 * The certificate authorities of `caFile`.
 * @throws STORE_SETTING when it cannot be read or holds no certificate.
 */
export function authoritiesOf(settings: S3Settings): string | undefined {
  const { caFile } = settings;
  if (caFile === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(caFile, 'utf8');
  } catch (error) {
    throw badStoreSetting('ca_file', reasonOf(error), error);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw badStoreSetting('ca_file', `no certificate in ${caFile}`);
  return text;
}

/**
 * The region to use; undefined leaves it to the AWS profile.
 * Servers that are not AWS mostly ignore it, but a signature needs one.
 */
export function regionOf(settings: S3Settings, environment: NodeJS.ProcessEnv): string | undefined {
  const own = settings.region ?? environment['AWS_REGION'] ?? environment['AWS_DEFAULT_REGION'];
  return own ?? (settings.endpoint === undefined ? undefined : 'us-east-1');
}
