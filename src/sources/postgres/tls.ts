/** What libpq's sslmode means for our own connection (PostgreSQL docs, "SSL Support"). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import { badUrl, tlsFile } from './errors.ts';
import { homeOf, isSocket, param, type PgSettings } from './settings.ts';

/** One way to connect: without TLS, or with these options. */
export type TlsAttempt = false | ConnectionOptions;

/**
 * The ways to connect, in the order in which libpq tries them.
 * @throws HoldfastError PG_URL for an unknown mode, PG_TLS_FILE for a file that cannot be read
 */
export function tlsAttempts(settings: PgSettings): readonly TlsAttempt[] {
  if (isSocket(settings.host)) return [false];
  const root = param(settings, 'sslrootcert', 'PGSSLROOTCERT');
  const mode = param(settings, 'sslmode', 'PGSSLMODE') ?? (root === 'system' ? 'verify-full' : 'prefer');
  switch (mode) {
    case 'disable':
      return [false];
    case 'allow':
      return [false, { ...clientCertificate(settings), rejectUnauthorized: false }];
    case 'prefer':
      return [{ ...clientCertificate(settings), rejectUnauthorized: false }, false];
    case 'require':
    case 'verify-ca':
    case 'verify-full':
      return [{ ...clientCertificate(settings), ...serverCheck(settings, mode, root) }];
    default:
      throw badUrl(
        `sslmode ${JSON.stringify(mode)} is not known`,
        'Use disable, prefer, require, verify-ca or verify-full.',
      );
  }
}

function serverCheck(settings: PgSettings, mode: string, root: string | undefined): ConnectionOptions {
  if (root === 'system') return { rejectUnauthorized: true };
  const file = root ?? join(homeOf(settings.env), '.postgresql', 'root.crt');
  // libpq: `require` with a root certificate file behaves like verify-ca, without one nothing is checked.
  if (mode === 'require' && !existsSync(file)) return { rejectUnauthorized: false };
  const check: ConnectionOptions = { rejectUnauthorized: true, ca: read('the root certificate', file) };
  return mode === 'verify-full' ? check : { ...check, checkServerIdentity: () => undefined };
}

function clientCertificate(settings: PgSettings): ConnectionOptions {
  const folder = join(homeOf(settings.env), '.postgresql');
  const cert = param(settings, 'sslcert', 'PGSSLCERT') ?? existing(join(folder, 'postgresql.crt'));
  const key = param(settings, 'sslkey', 'PGSSLKEY') ?? existing(join(folder, 'postgresql.key'));
  if (cert === undefined || key === undefined) return {};
  return { cert: read('the client certificate', cert), key: read('the client key', key) };
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}

function read(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw tlsFile(`${what} ${path}`, error);
  }
}
