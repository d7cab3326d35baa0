/**
 * The connection of an S3 store: the AWS SDK, set up so that it neither retries nor decides anything for us.
 *
 * Importing this file loads the SDK (about 200 ms), so only `open.ts` does, and late.
 */
import { createHash } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { assertTransport, authoritiesOf, endpointOf, regionOf, type S3Settings } from './s3-settings.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const CONNECTIONS = 16;

/**
 * The newer version is taken when both sides know it. All said here, because Node lets the environment weaken each
 * of them (NODE_OPTIONS=--tls-min-v1.0, --tls-max-v1.2, NODE_TLS_REJECT_UNAUTHORIZED=0).
 */
const TLS = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3', rejectUnauthorized: true } as const;

/** Without a logger the SDK writes its warnings to the console. */
const SILENT = { trace: ignore, debug: ignore, info: ignore, warn: ignore, error: ignore };

function ignore(): void {
  // Nothing to say.
}

/** What the server's clock said, and when (on the monotonic clock) we heard it. */
export interface ServerTime {
  readonly date: Date;
  readonly heardMs: number;
}

export interface S3Connection {
  readonly client: S3Client;
  /** From the last response of any kind; undefined before the first. */
  serverTime(): ServerTime | undefined;
  /** The last response came from Amazon's own servers, and not from a compatible one. */
  isAws(): boolean;
  close(): void;
}

/**
 * Sets up the client; connects at the first request only.
 * @param url - the store's address, for messages.
 * @throws STORE_SETTING, STORE_TRANSPORT
 */
export function connectS3(url: string, settings: S3Settings): S3Connection {
  const endpoint = endpointOf(url, settings);
  const region = regionOf(settings, process.env);
  const handler = new WatchedHandler(url, settings);
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...(settings.profile === undefined ? {} : { profile: settings.profile }),
    forcePathStyle: settings.forcePathStyle ?? endpoint !== undefined,
    requestHandler: handler,
    logger: SILENT,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // With our own agents the SDK sends the header and then does not wait for the answer.
    expectContinueHeader: false,
  });
  if ((settings.checksum ?? 'content-md5') === 'content-md5') digestBodies(client);
  return {
    client,
    serverTime: () => handler.serverTime,
    isAws: () => /\.amazonaws\.com(\.cn)?$/.test(handler.hostname),
    close: () => client.destroy(),
  };
}

/** Watches every request: none leaves this machine unencrypted, and every answer tells the store's time. */
class WatchedHandler extends NodeHttpHandler {
  serverTime: ServerTime | undefined;
  /** Where the last response came from. */
  hostname = '';
  readonly #url: string;

  constructor(url: string, settings: S3Settings) {
    const agent = { keepAlive: true, maxSockets: settings.connections ?? CONNECTIONS };
    const ca = authoritiesOf(settings);
    super({
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, ...TLS, ...(ca === undefined ? {} : { ca }) }),
      connectionTimeout: settings.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      socketTimeout: settings.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
      logger: SILENT,
    });
    this.#url = url;
  }

  override async handle(
    ...[request, options]: Parameters<NodeHttpHandler['handle']>
  ): ReturnType<NodeHttpHandler['handle']> {
    // Here and not only in endpointOf: the SDK takes endpoints from AWS_ENDPOINT_URL and profiles too.
    assertTransport(this.#url, request.protocol, request.hostname);
    const answer = await super.handle(request, options);
    this.hostname = request.hostname;
    const date = new Date(answer.response.headers['date'] ?? Number.NaN);
    if (!Number.isNaN(date.getTime())) this.serverTime = { date, heardMs: performance.now() };
    return answer;
  }
}

/** Older servers refuse these without the Content-MD5 that the SDK no longer sends. */
const DIGESTED: ReadonlySet<string> = new Set([
  'DeleteObjectsCommand',
  'PutBucketLifecycleConfigurationCommand',
]);

function digestBodies(client: S3Client): void {
  client.middlewareStack.add(
    (next, context) => (args) => {
      const request = args.request as { headers: Record<string, string>; body?: unknown };
      if (DIGESTED.has(context.commandName ?? '') && typeof request.body === 'string') {
        request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64');
      }
      return next(args);
    },
    { step: 'build', name: 'holdfastContentMd5' },
  );
}
