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

/** The first number with a point that each says of itself; a program that is not there is left out. */
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
      const version = /\d+(?:\.\d+){1,3}|\b\d{2,4}\b/.exec(failed ? '' : stdout)?.[0];
      return version === undefined ? [] : [[tool, version]];
    }),
  );
  return Object.fromEntries(found.flat());
}
