/**
 * A small server that answers as it is told. A real S3 server gives few of its refusals on request; the texts are
 * those that AWS documents.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, vi } from 'vitest';
import { openS3Store } from '../../src/stores/s3.ts';
import type { S3Settings } from '../../src/stores/s3-settings.ts';
import type { Store } from '../../src/stores/store.ts';
import { tempFolder } from '../services/temp.ts';

/** What the stores of these tests are called. */
export const URL_OF_STORE = 's3://acme-backups/prod';

/** Gives every test of the file credentials, and nothing else from the developer's own environment. */
export function useExampleCredentials(): void {
  beforeEach(async () => {
    const nowhere = join(await tempFolder(), 'none');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-secret-that-appears-nowhere');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_CONFIG_FILE', nowhere);
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', nowhere);
    vi.stubEnv('AWS_REGION', undefined);
    vi.stubEnv('AWS_DEFAULT_REGION', undefined);
    vi.stubEnv('AWS_PROFILE', undefined);
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
  });
}

/** A server, and what it was asked. */
export interface Fake {
  readonly endpoint: string;
  readonly server: Server;
  readonly requests: {
    readonly method: string;
    readonly url: string;
    readonly headers: IncomingMessage['headers'];
  }[];
}

/** Starts a server on loopback that gives one answer; it ends with the test. */
export async function serve(answer: RequestListener, tls?: ServerOptions): Promise<Fake> {
  const requests: Fake['requests'] = [];
  const listener: RequestListener = (request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    request.resume();
    request.on('end', () => {
      answer(request, response);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${tls === undefined ? 'http://127.0.0.1' : 'https://localhost'}:${port}`,
    server,
    requests,
  };
}

/** A store there; closed when the test ends. */
export function storeAt(endpoint: string, settings: S3Settings = {}): Store {
  const store = openS3Store(URL_OF_STORE, { endpoint, ...settings });
  onTestFinished(() => store.close());
  return store;
}

/** An S3 error, as AWS writes it. */
export function refusal(code: string, more = '', message = `said ${code}`): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}<RequestId>1</RequestId></Error>`;
}

/** What was thrown. */
export async function failure(
  work: Promise<unknown>,
): Promise<Error & { code: string; exit: string; hint: string }> {
  return work.then(
    () => expect.fail('nothing was thrown'),
    (error: unknown) => error as Error & { code: string; exit: string; hint: string },
  );
}

/** Made for these tests only: for the name localhost, valid until 2126, worth nothing to anybody. */
export const LOCALHOST = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUSUHwwdylwCRhOfe2oGSO2zfa7GswCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTIxNTYxMloYDzIxMjYxMDI4
MjE1NjEyWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASwJ0o97z5hrt4pjCcphhvPI4W31xqcG6tBsYBIUzpi5rEtoMClJx41
/cDVfRTKAK46etvmunM5qypWgu0b2y8ro2kwZzAdBgNVHQ4EFgQU9b24ZRxzJ6s5
F1iRVFrPejeopnQwHwYDVR0jBBgwFoAU9b24ZRxzJ6s5F1iRVFrPejeopnQwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIgBoW8Yp6Et1B4fX75LNpmkmYc4WxT3QB2QW7VLD9ISJECIQDr90AdXnNM
KOo/yQ4R6GveprKPVKc8od+NtUHyWK01Og==
-----END CERTIFICATE-----`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgaS3JUKfc6YtY5xRZ
w4sC+OhLFegN03r/FeW2gWx3LfahRANCAASwJ0o97z5hrt4pjCcphhvPI4W31xqc
G6tBsYBIUzpi5rEtoMClJx41/cDVfRTKAK46etvmunM5qypWgu0b2y8r
-----END PRIVATE KEY-----`,
};
