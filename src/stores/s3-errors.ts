/** From what an S3 server, the SDK or the network says to what a person can do about it. */
import { HoldfastError, reasonOf } from '../errors.ts';
import {
  badCredentials,
  certificateRefused,
  clockSkew,
  digestMismatch,
  objectMissing,
  objectShort,
  storeBusy,
  storeDenied,
  storeFailed,
  storeFull,
  storeMissing,
  storeUnreachable,
  regionMissing,
  wrongRegion,
  type Place,
} from './errors.ts';

/** What was tried. */
export interface Attempt extends Place {
  readonly bucket: string;
  /** Completes "not allowed to …". */
  readonly doing: string;
  /** The IAM permission that it needs, e.g. `s3:PutObject`. */
  readonly permission: string;
}

/** What the answer says, wherever the SDK hid it. */
interface Answer {
  readonly code: string;
  readonly status: number | undefined;
  /** The server's words and its code, for messages. */
  readonly words: string;
  readonly regionOfBucket: string | undefined;
  readonly cause: unknown;
}

type Judge = (attempt: Attempt, answer: Answer) => HoldfastError;

const BY_CODE: Readonly<Record<string, Judge>> = {
  NoSuchBucket: missingBucket,
  NoSuchKey: (attempt, { cause }) => objectMissing(attempt, cause),
  InvalidRange: (attempt, { cause }) =>
    objectShort(attempt, 'it ends before the range that was asked for', cause),
  AccessDenied: denied,
  AllAccessDisabled: denied,
  AccountProblem: denied,
  UserSuspended: denied,
  InvalidObjectState: (attempt, { cause }) =>
    storeFailed(
      attempt,
      'read',
      'it lies in an archive storage class: bring it back from there first',
      cause,
    ),
  QuotaExceeded: (attempt, { words, cause }) => storeFull(attempt, words, cause),
  EntityTooLarge: (attempt, { words, cause }) => storeFull(attempt, words, cause),
  InvalidAccessKeyId: wrongKeys,
  SignatureDoesNotMatch: wrongKeys,
  InvalidToken: expiredKeys,
  ExpiredToken: expiredKeys,
  TokenRefreshRequired: expiredKeys,
  CredentialsProviderError: noKeys,
  TokenProviderError: noKeys,
  RequestTimeTooSkewed: (attempt, { cause }) => clockSkew(attempt.url, 'more than 15 minutes apart', cause),
  RequestExpired: (attempt, { cause }) => clockSkew(attempt.url, 'the signature is too old', cause),
  PermanentRedirect: otherRegion,
  AuthorizationHeaderMalformed: otherRegion,
  IllegalLocationConstraintException: otherRegion,
  BadDigest: (attempt, { cause }) => digestMismatch(attempt, cause),
  XAmzContentSHA256Mismatch: (attempt, { cause }) => digestMismatch(attempt, cause),
  SlowDown: busy,
  InternalError: busy,
  // Ceph's word, one key of several, when two processes remove the same key.
  UnknownError: busy,
  ServiceUnavailable: busy,
  // AWS: somebody puts or removes the same key at this moment; doing it again gives a clear answer.
  ConditionalRequestConflict: busy,
  TemporaryRedirect: busy,
  OperationAborted: busy,
  RequestTimeout: busy,
  TimeoutError: (attempt, { words, cause }) => storeUnreachable(attempt, words, SLOW_HINT, cause),
  ECONNREFUSED: (attempt, { words, cause }) => storeUnreachable(attempt, words, REFUSED_HINT, cause),
  ENOTFOUND: (attempt, { words, cause }) => storeUnreachable(attempt, words, NAME_HINT, cause),
  EAI_AGAIN: (attempt, { words, cause }) => storeUnreachable(attempt, words, NAME_HINT, cause),
  EPROTO: (attempt, { words, cause }) =>
    storeFailed(attempt, 'speak TLS with', `${words}; is it a plain http port?`, cause),
};

const NETWORK = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ECONNABORTED',
  'ENETDOWN',
]);
const NETWORK_HINT = 'Look at the network between this host and the store, then run the same command again.';
const SLOW_HINT = 'The server does not answer in time: look at the network, a firewall, and s3.endpoint.';
const REFUSED_HINT =
  'Nothing listens there: look at s3.endpoint (host and port), and whether the server runs.';
const NAME_HINT =
  'No such host: look at s3.endpoint and DNS; a server that does not know buckets as host names needs s3.force_path_style: true.';

/** The HoldfastError for a failed request. A bug stays what it is. */
export function s3Failure(error: unknown, attempt: Attempt): unknown {
  if (error instanceof HoldfastError || isBug(error)) return error;
  const answer = read(error);
  // A HEAD has no body to say "other region" in: only the header tells.
  if (answer.regionOfBucket !== undefined && (answer.status === 301 || answer.status === 400)) {
    return otherRegion(attempt, answer);
  }
  return (BY_CODE[answer.code] ?? byStatus(answer))(attempt, answer);
}

/** The server's error code (`NoSuchBucket`) or, for HEAD, the SDK's name for the status. */
export function s3Code(error: unknown): string {
  return read(error).code;
}

/** The HTTP status of a refusal; undefined when no answer came. */
export function s3Status(error: unknown): number | undefined {
  return read(error).status;
}

/** The region that the server says the bucket is in, when it refuses because we asked in another one. */
export function s3Region(error: unknown): string | undefined {
  return read(error).regionOfBucket;
}

function byStatus({ code, status }: Answer): Judge {
  if (NETWORK.has(code)) return (at, { words, cause }) => storeUnreachable(at, words, NETWORK_HINT, cause);
  if (isCertificateCode(code)) return (at, { words, cause }) => certificateRefused(at.url, words, cause);
  if (code === 'Region is missing') return noRegion;
  if (status === 401 || status === 403) return denied;
  if (status === 404) return missing;
  if (status === 301) return otherRegion;
  if (status === 429 || (status !== undefined && status >= 500 && status !== 501)) return busy;
  if (status === 507) return (at, { words, cause }) => storeFull(at, words, cause);
  return (at, { words, cause }) => storeFailed(at, at.doing, words, cause);
}

function missing(attempt: Attempt, answer: Answer): HoldfastError {
  return attempt.key === undefined ? missingBucket(attempt, answer) : objectMissing(attempt, answer.cause);
}

function missingBucket({ url, bucket }: Attempt, { cause }: Answer): HoldfastError {
  const hint = `Make the bucket ${bucket} with your provider's tools (holdfast makes none), or correct store: and s3.endpoint.`;
  return storeMissing(url, `no bucket named ${bucket}`, hint, cause);
}

function denied(attempt: Attempt, { words, cause }: Answer): HoldfastError {
  const hint =
    `The credentials need ${attempt.permission} on the bucket ${attempt.bucket} (the server says: ${words}); ` +
    'look at the user, the bucket policy and, for encrypted buckets, the key.';
  return storeDenied(attempt, attempt.doing, hint, cause);
}

function wrongKeys({ url }: Attempt, { words, cause }: Answer): HoldfastError {
  const hint =
    'Look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or at s3.profile: they do not belong to this server.';
  return badCredentials(url, words, hint, cause);
}

function expiredKeys({ url }: Attempt, { words, cause }: Answer): HoldfastError {
  return badCredentials(
    url,
    words,
    'The session has ended: sign in again (aws sso login), then run again.',
    cause,
  );
}

function noKeys({ url }: Attempt, { words, cause }: Answer): HoldfastError {
  const hint = 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or s3.profile, or give this host a role.';
  return badCredentials(url, words, hint, cause);
}

function noRegion({ url }: Attempt, { cause }: Answer): HoldfastError {
  return regionMissing(url, cause);
}

function otherRegion({ url }: Attempt, { regionOfBucket, cause }: Answer): HoldfastError {
  return wrongRegion(url, regionOfBucket, cause);
}

function busy(attempt: Attempt, { words, cause }: Answer): HoldfastError {
  return storeBusy(attempt, words, cause);
}

/** The names that OpenSSL gives to certificates which it does not accept, as Node passes them on. */
function isCertificateCode(code: string): boolean {
  return /CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|HOSTNAME_MISMATCH|SELF_SIGNED/.test(code);
}

function isBug(error: unknown): boolean {
  return error instanceof ReferenceError || error instanceof TypeError || error instanceof RangeError;
}

function read(error: unknown): Answer {
  const fields = record(error);
  const status = record(fields['$metadata'])['httpStatusCode'];
  const headers = record(record(fields['$response'])['headers']);
  const code = text(fields['Code']) ?? text(fields['code']) ?? nameOf(error);
  const message = reasonOf(error);
  // "UnknownError" is the SDK's word for an answer without any.
  const said =
    message === '' || message === 'UnknownError' || message === code ? code : `${code}: ${message}`;
  return {
    code,
    status: typeof status === 'number' ? status : undefined,
    words: typeof status === 'number' ? `${status} ${said}` : said,
    regionOfBucket: text(headers['x-amz-bucket-region']) ?? text(fields['Region']),
    cause: error,
  };
}

/** The SDK throws plain Errors for a few things of its own; their message is all there is to go by. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  return error.name === 'Error' ? error.message : error.name;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
