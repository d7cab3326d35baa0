/** Finding and reading holdfast.yaml. */
import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import type { Config } from './config.ts';
import { configMissing, configOfOthers, configUnreadable } from './errors.ts';
import { parseConfig } from './parse.ts';
import { readTextFile, TextFileError } from './text-file.ts';
import type { TextFile } from './text-file.ts';

const CONFIG_BYTES_MAX = 1024 * 1024;
const READ_BY_OTHERS = 0o004;
const WRITTEN_BY_OTHERS = 0o002;

const INSTALLED = '/etc/holdfast/holdfast.yaml';
/** Where a configuration is looked for when nobody names one, in this order. */
const DEFAULT_PLACES = ['holdfast.yaml', INSTALLED] as const;

export interface LoadOptions {
  /** Relative paths of files start here; the process's own folder by default. */
  readonly cwd?: string;
  /** Host name for default writers; the machine's own by default. */
  readonly host?: string;
}

/**
 * Loads the file named, else the one in HOLDFAST_CONFIG, else the first default place that exists.
 * Throws CONFIG_MISSING, CONFIG_UNREADABLE, CONFIG_OF_OTHERS or CONFIG_INVALID, all exit code 2.
 */
export async function loadConfig(
  file: string | undefined,
  env: NodeJS.ProcessEnv,
  options: LoadOptions = {},
): Promise<Config> {
  const cwd = options.cwd ?? process.cwd();
  const named = file ?? (env['HOLDFAST_CONFIG'] === '' ? undefined : env['HOLDFAST_CONFIG']);
  const { shown, content } = await firstThatExists(
    named === undefined ? DEFAULT_PLACES : [named],
    cwd,
    named !== undefined,
  );
  const path = resolve(cwd, shown);
  // Found because it lies here, as in /tmp: its commands would run as us.
  if (named === undefined && path !== INSTALLED && isOfOthers(content.stat, env)) throw configOfOthers(path);
  return parseConfig(content.text, {
    file: path,
    shown,
    env,
    openToAll: content.stat.isFile() && (content.stat.mode & READ_BY_OTHERS) !== 0,
    ...(options.host === undefined ? {} : { host: options.host }),
  });
}

async function firstThatExists(
  places: readonly string[],
  cwd: string,
  asked: boolean,
): Promise<{ readonly shown: string; readonly content: TextFile }> {
  for (const shown of places) {
    try {
      return { shown, content: await readTextFile(resolve(cwd, shown), CONFIG_BYTES_MAX) };
    } catch (error) {
      if (!(error instanceof TextFileError)) throw error;
      if (!error.missing) throw configUnreadable(shown, error.message);
    }
  }
  throw configMissing(places, asked);
}

/** Somebody else could have written it: not we, not root, and not who has called sudo. */
function isOfOthers({ uid, mode }: Stats, env: NodeJS.ProcessEnv): boolean {
  const own = [process.geteuid?.() ?? uid, 0, Number(env['SUDO_UID'] ?? NaN)];
  return !own.includes(uid) || (mode & WRITTEN_BY_OTHERS) !== 0;
}
