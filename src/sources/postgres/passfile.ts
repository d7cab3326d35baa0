/** Passwords from ~/.pgpass (PostgreSQL docs, "The Password File"): `host:port:database:user:password` lines. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { homeOf, isDefaultSocket, param, type PgSettings } from './settings.ts';

/**
 * The password for these settings, from the file that the URL, PGPASSFILE or the home folder names.
 * A file that is absent, or that others may read, gives none (libpq does the same).
 */
export function passwordFromFile(settings: PgSettings): string | undefined {
  const path = param(settings, 'passfile', 'PGPASSFILE') ?? join(homeOf(settings.env), '.pgpass');
  const text = readPrivate(path);
  return text === undefined ? undefined : findPassword(text, settings);
}

/** The password of the first line of a passfile that matches. */
export function findPassword(
  text: string,
  who: Pick<PgSettings, 'host' | 'port' | 'database' | 'user'>,
): string | undefined {
  const wanted = [who.host, String(who.port), who.database, who.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = splitLine(line);
    const password = fields[4];
    if (password === undefined || password === '') continue;
    if (wanted.every((each, at) => matches(fields[at], each, at === 0))) return password;
  }
  return undefined;
}

function matches(pattern: string | undefined, value: string, isHost: boolean): boolean {
  return (
    pattern === '*' || pattern === value || (isHost && pattern === 'localhost' && isDefaultSocket(value))
  );
}

/** Splits at the first four colons; a backslash takes the next character as it is. */
function splitLine(line: string): string[] {
  const raw = /^((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):((?:[^:\\]|\\.)*):(.*)$/.exec(line);
  return (raw?.slice(1) ?? []).map((field) => field.replace(/\\(.)/g, '$1'));
}

function readPrivate(path: string): string | undefined {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)) return undefined;
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
