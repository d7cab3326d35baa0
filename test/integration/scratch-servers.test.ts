/** Goal: servers of our own for MariaDB and Redis let nobody else in, and are gone afterwards, whatever ended the program. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { filesScratch } from '../../src/scratch/files.ts';
import { startMariadbScratch } from '../../src/scratch/mariadb-server.ts';
import { redisScratch } from '../../src/scratch/redis-server.ts';
import { locateOrThrow } from '../services/packages.ts';
import { runTool } from '../services/processes.ts';
import { SIGNAL } from '../services/world.ts';

const MARIADB = { version: '10.4', lowerCaseTableNames: 0, env: process.env };
const REDIS = { flavour: 'redis', version: '6.0', env: process.env } as const;

function socketOf(target: string): string {
  return new URL(target).searchParams.get('socket') ?? '';
}

function mariadb(target: string, user: string, password: string, sql: string): Promise<string> {
  const who = [`--user=${user}`, `--password=${password}`];
  const args = ['--no-defaults', `--socket=${socketOf(target)}`, ...who, '--batch', '--skip-column-names'];
  return runTool(locateOrThrow('mariadb'), args, { input: sql });
}

function redis(target: string, password: string, command: string): Promise<string> {
  const env = password === '' ? {} : { REDISCLI_AUTH: password };
  const said = runTool(locateOrThrow('redis-cli'), ['-s', socketOf(target)], { env, input: `${command}\n` });
  return said.then((text) => text.trimEnd());
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** What processes of this machine were started with that name a folder, but for the one that guards it. */
async function processesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (args.includes(folder) && !args.includes('holdfast-scratch-guard')) found.push(args);
  }
  return found;
}

/** Another program that opens a scratch and says where it is. */
async function inAnotherProgram(file: string, open: string): Promise<{ pid: number; target: string }> {
  const module = pathToFileURL(join(import.meta.dirname, '../../src/scratch', file)).href;
  const code = `
    const scratch = await import(${JSON.stringify(module)});
    const signal = new AbortController().signal;
    const space = await ${open};
    const room = await space.open(signal);
    console.log(room.target);
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { pid: child.pid ?? 0, target: line.toString().trim() };
}

describe('a MariaDB server of our own', () => {
  test('takes what its password opens, and is gone afterwards', { timeout: 60_000 }, async () => {
    const space = await startMariadbScratch(MARIADB, SIGNAL);
    expect(space.name).toMatch(/^MariaDB \d+\.\d+\.\d+, a server of its own$/);
    const { target } = await space.open(SIGNAL);
    const folder = dirname(socketOf(target));
    const { username, password } = new URL(target);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await exists(join(folder, 'init.sql'))).toBe(false);
    expect(await mariadb(target, username, password, 'SELECT @@skip_networking, @@port;')).toMatch(/^1\t/);
    const users = await mariadb(target, username, password, 'SELECT user FROM mysql.user ORDER BY 1;');
    expect(users.trim().split('\n')).toEqual(['holdfast', 'mariadb.sys']);
    await expect(mariadb(target, username, 'wrong', 'SELECT 1;')).rejects.toThrow();
    await expect(mariadb(target, 'root', '', 'SELECT 1;')).rejects.toThrow();
    expect(await processesIn(folder)).not.toEqual([]);
    for (const args of await processesIn(folder)) expect(args).not.toContain(password);
    await space[Symbol.asyncDispose]();
    expect(await exists(folder)).toBe(false);
    expect(await processesIn(folder)).toEqual([]);
  });

  test('goes with a program that is killed', { timeout: 60_000 }, async () => {
    const open = `scratch.startMariadbScratch({ version: '10.4', lowerCaseTableNames: 0, env: process.env }, signal)`;
    const { pid, target } = await inAnotherProgram('mariadb-server.ts', open);
    const folder = dirname(socketOf(target));
    expect(await processesIn(folder)).not.toEqual([]);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => exists(folder), { timeout: 20_000 }).toBe(false);
    await expect.poll(() => processesIn(folder), { timeout: 20_000 }).toEqual([]);
  });

  test('leaves nothing when it is cancelled on the way', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp('/tmp/cancel-');
    onTestFinished(() => rm(folder, { recursive: true }));
    // Its user has to get through.
    await chmod(folder, 0o755);
    vi.stubEnv('TMPDIR', folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const ms of [1, 100, 300, 600]) {
      const said = await startMariadbScratch(MARIADB, AbortSignal.timeout(ms)).then(
        // This machine is fast today.
        async (space) => space[Symbol.asyncDispose]().then(() => 'CANCELLED'),
        (error: unknown) => (error as { code?: string }).code,
      );
      expect(said).toBe('CANCELLED');
      expect(await readdir(folder)).toEqual([]);
      expect(await processesIn(folder)).toEqual([]);
    }
  });

  test('says what is missing', async () => {
    for (const missing of [{ version: '99.1' }, { env: { PATH: '' }, version: '99.0' }])
      await expect(startMariadbScratch({ ...MARIADB, ...missing }, SIGNAL)).rejects.toMatchObject({
        code: 'SCRATCH_NO_SERVER',
        exit: 'unverifiable',
      });
  });
});

describe('a Redis server of our own', () => {
  test('is empty each time, takes what its password opens, and is gone', { timeout: 60_000 }, async () => {
    await using space = await redisScratch(REDIS);
    const first = await space.open(SIGNAL);
    const second = await space.open(SIGNAL);
    const { password } = new URL(first.target);
    const folder = dirname(socketOf(first.target));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await redis(first.target, password, 'SET a 1')).toBe('OK');
    expect(await redis(first.target, '', 'GET a')).toContain('NOAUTH');
    expect(await redis(second.target, new URL(second.target).password, 'DBSIZE')).toBe('0');
    expect(await redis(first.target, password, 'CONFIG GET port')).toBe('port\n0');
    expect(await redis(first.target, password, 'CONFIG GET save')).toBe('save');
    expect(await processesIn(folder)).toHaveLength(1);
    await first[Symbol.asyncDispose]();
    expect(await exists(folder)).toBe(false);
    expect(await processesIn(folder)).toEqual([]);
    await second[Symbol.asyncDispose]();
  });

  test('goes with a program that is killed', { timeout: 60_000 }, async () => {
    const open = `scratch.redisScratch({ flavour: 'redis', version: '6.0', env: process.env })`;
    const { pid, target } = await inAnotherProgram('redis-server.ts', open);
    const folder = dirname(socketOf(target));
    expect(await processesIn(folder)).toHaveLength(1);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => exists(folder), { timeout: 20_000 }).toBe(false);
    await expect.poll(() => processesIn(folder), { timeout: 20_000 }).toEqual([]);
  });

  test('says what is missing', async () => {
    await expect(redisScratch({ ...REDIS, version: '99.0' })).rejects.toMatchObject({
      code: 'SCRATCH_NO_SERVER',
      exit: 'unverifiable',
    });
  });
});

test('files: a private folder goes, also one that nobody may write', async () => {
  await using space = filesScratch();
  const scratch = await space.open(SIGNAL);
  const parent = dirname(scratch.target);
  expect((await stat(parent)).mode & 0o777).toBe(0o700);
  expect(await exists(scratch.target)).toBe(false);
  await mkdir(join(scratch.target, 'locked'), { recursive: true });
  await writeFile(join(scratch.target, 'locked', 'a'), 'x');
  await chmod(join(scratch.target, 'locked'), 0o000);
  await scratch[Symbol.asyncDispose]();
  expect(await exists(parent)).toBe(false);
});
