/** Which programs are there, and how old they are. */
import { execa } from 'execa';

const TOOLS = [
  'pg_dump',
  'psql',
  'mariadb-dump',
  'mysqldump',
  'redis-cli',
  'gpg',
  'zstd',
  'systemctl',
] as const;
const TIMEOUT_MS = 5000;

/** The version that each says of itself; a program that is not there is left out. */
export async function toolVersions(
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const found = await Promise.all(
    TOOLS.map(async (tool): Promise<[string, string][]> => {
      const { stdout, failed } = await execa(tool, ['--version'], {
        ...{ env, extendEnv: false, reject: false, timeout: TIMEOUT_MS, cancelSignal: signal },
        stdin: 'ignore',
      });
      const version = failed ? undefined : versionIn(stdout);
      return version === undefined ? [] : [[tool, version]];
    }),
  );
  return Object.fromEntries(found.flat());
}

/**
 * The first number outside of brackets (zstd says `(64-bit)` first); MariaDB's tools put the version of their command line
 * before their own: `Ver 10.19 Distrib 10.11.19`.
 */
export function versionIn(text: string): string | undefined {
  const said =
    text
      .replace(/\([^)]*\)/g, '')
      .split('Distrib')
      .at(-1) ?? '';
  return /\d+(?:\.\d+){1,3}|\b\d{2,4}\b/.exec(said)?.[0];
}
