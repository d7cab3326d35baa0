/**
 * Host, user and password for the server's own programs: an option file that has no name any more when they read it
 * (MariaDB manual, "Configuring MariaDB with Option Files"). So nothing is in argv or the environment, and nothing is
 * left behind, whatever ends us.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { passwordUnreadable } from './errors.ts';
import type { Flavour } from './flavour.ts';
import type { MysqlSettings } from './settings.ts';

/** Where a program finds the file that was given to it as its descriptor 3. It must be its first argument. */
export const OPTION_FILE = '--defaults-file=/dev/fd/3';

export interface OptionFile extends AsyncDisposable {
  /** Give it to a process as its descriptor 3. */
  readonly fd: number;
}

/** Writes the file; nobody else can open it. Throws MYSQL_PASSWORD_FILE. */
export async function openOptionFile(settings: MysqlSettings, program: Flavour): Promise<OptionFile> {
  const path = join(tmpdir(), `holdfast-${randomBytes(12).toString('hex')}`);
  const password = settings.password ?? (await passwordIn(settings.passwordFile));
  const file: FileHandle = await open(path, 'wx+', 0o600);
  try {
    await unlink(path);
    await file.write(optionText({ ...settings, ...(password !== undefined && { password }) }, program));
    return { fd: file.fd, [Symbol.asyncDispose]: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The first line of a file. Throws MYSQL_PASSWORD_FILE. */
async function passwordIn(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw passwordUnreadable(path, error);
  });
  return text.split(/\r?\n/, 1)[0];
}

/** @param program - whose programs will read it: they name the options of TLS differently */
function optionText(settings: MysqlSettings, program: Flavour): string {
  const { host, port, socket, user, password } = settings;
  const where = socket === undefined ? { host, port: String(port), protocol: 'tcp' } : { socket };
  const options: Readonly<Record<string, string | true | undefined>> = {
    ...where,
    user,
    password,
    ...tlsOptions(settings, program),
  };
  const lines = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : value === true ? [name] : [`${name}=${quote(value)}`],
  );
  return ['[client]', ...lines, ''].join('\n');
}

/** Quotes keep spaces and #; within them a backslash begins an escape, and a quote that is not escaped ends them. */
function quote(value: string): string {
  return `"${value.replaceAll(/[\\"]/g, '\\$&')}"`;
}

function tlsOptions(
  { ssl }: MysqlSettings,
  program: Flavour,
): Readonly<Record<string, string | true | undefined>> {
  const files = { 'ssl-ca': ssl.ca, 'ssl-cert': ssl.cert, 'ssl-key': ssl.key };
  if (program === 'mysql') return { ...files, 'ssl-mode': ssl.mode.toUpperCase().replace('-', '_') };
  switch (ssl.mode) {
    case 'disabled':
      return { 'skip-ssl': true };
    case 'preferred':
      return files;
    case 'required':
    case 'verify-ca':
      return { ...files, ssl: true };
    case 'verify-identity':
      return { ...files, ssl: true, 'ssl-verify-server-cert': true };
  }
}
