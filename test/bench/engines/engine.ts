/** What the parts about other engines share: contestants in folders of their own, each run measured and noted. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Bench, Run } from '../bench.ts';
import type { Command } from '../measure.ts';
import { measure } from '../measure.ts';
import { folderBytes } from '../peers/contestant.ts';
import { HOLDFAST, holdfastCommand, holdfastExists } from '../peers/holdfast.ts';
import type { Environment } from '../processes.ts';
import { run } from '../processes.ts';

export const PIPELINES = fileURLToPath(new URL('pipelines.sh', import.meta.url));

/** One contestant of one round: commands in a folder that nobody else has. */
export interface Stall {
  readonly name: string;
  readonly backup: Command;
  /** Into a database of this name, which does not exist. */
  readonly restore?: (copy: string) => Command;
  /** Where the backups lie. */
  readonly stored: string;
}

/** Makes the stall of a contestant: keys, an empty repository. Not measured. */
export type OpenStall = (folder: string) => Promise<Stall>;

export interface Field {
  readonly bench: Bench;
  /** An existing folder. */
  readonly folder: string;
  readonly env: Environment;
  /** Of the server that is dumped; none for files. */
  readonly serverPid?: number;
}

/** Those of the engine's contestants that were asked for. */
export function chosen(bench: Bench, all: Readonly<Record<string, OpenStall>>): readonly string[] {
  const names = new Set(bench.contestants.map(({ name }) => name));
  return Object.keys(all).filter((name) =>
    name === HOLDFAST ? holdfastExists() && names.has(name) : names.has(name) || name === REDIS_RDB,
  );
}

/** It is no contestant of the other parts, and the only one beside us in its own. */
export const REDIS_RDB = 'redis-cli --rdb';

/** A stall for each contestant, in a folder for this round. */
export async function openStalls(
  field: Field,
  all: Readonly<Record<string, OpenStall>>,
  round: number,
): Promise<readonly Stall[]> {
  const stalls: Stall[] = [];
  for (const name of turned(chosen(field.bench, all), round)) {
    const folder = join(field.folder, `${name.replace(/\W+/g, '-')}-${String(round)}`);
    await mkdir(folder);
    const open = all[name];
    if (open !== undefined) stalls.push(await open(folder));
  }
  return stalls;
}

/** Each round begins with another contestant, so that noise hits all alike. */
function turned<T>(all: readonly T[], round: number): readonly T[] {
  const first = round % Math.max(1, all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}

/** Measures one command after everything earlier has reached the disk, and notes the run. */
export async function note(
  { bench, serverPid, env, folder }: Field,
  { what, round, stall, command }: NotedRun,
): Promise<void> {
  await run('sync', [], { env, cwd: folder, signal: bench.signal });
  const storedBefore = await folderBytes(stall.stored);
  const serverBefore = await cpuSecondsOf(serverPid);
  const { output: _, ...figures } = await measure(command, bench.signal);
  const noted: Run = {
    what,
    contestant: stall.name,
    round,
    ...figures,
    serverCpuSeconds: (await cpuSecondsOf(serverPid)) - serverBefore,
    newBytes: (await folderBytes(stall.stored)) - storedBefore,
  };
  bench.runs.push(noted);
  bench.say(
    `${what.padEnd(22)} ${stall.name.padEnd(10)} ${String(round + 1)}  ${noted.seconds.toFixed(2)} s`,
  );
}

export interface NotedRun {
  readonly what: string;
  readonly round: number;
  readonly stall: Stall;
  readonly command: Command;
}

/** Of holdfast: a store in a folder, keys, a configuration. @param source - options of `init` */
export async function openHoldfast(
  { env, bench }: Pick<Field, 'env' | 'bench'>,
  folder: string,
  source: readonly string[],
): Promise<{
  readonly stored: string;
  readonly command: (args: readonly string[]) => Command;
}> {
  const stored = join(folder, 'store');
  const command = (args: readonly string[]) =>
    holdfastCommand({ env, folder }, [...args, '-c', 'holdfast.yaml'], 'keep');
  const [program, ...init] = command([
    ...['init', '--yes', '--store', `file://${stored}`, '--set', 'bench', ...source],
    ...['--private-key-out', 'ops.key'],
  ]).argv;
  await run(program, init, { env, cwd: folder, signal: bench.signal });
  return { stored, command };
}

/** A step of `pipelines.sh`; its variables come by the environment. */
export function engineStep(
  env: Environment,
  folder: string,
  step: string,
  variables: Environment = {},
): Command {
  return {
    argv: ['bash', PIPELINES, step],
    env: { ...env, HOME: folder, ...variables },
    cwd: folder,
    output: 'discard',
  };
}

/** A restic repository in a folder: its variables. */
export async function resticIn({ env, bench }: Pick<Field, 'env' | 'bench'>, folder: string) {
  const variables = {
    RESTIC_REPOSITORY: join(folder, 'repository'),
    RESTIC_PASSWORD: 'bench',
    RESTIC_CACHE_DIR: join(folder, 'cache'),
  };
  await run('restic', ['init', '--quiet'], {
    env: { ...env, ...variables },
    cwd: folder,
    signal: bench.signal,
  });
  return variables;
}

/** Linux counts in hundredths of a second here, whatever its own tick is (proc(5), USER_HZ). */
const TICKS_A_SECOND = 100;

/** User and system seconds of a server so far, children that have ended included. */
async function cpuSecondsOf(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0;
  await sleep(100);
  const line = await readFile(`/proc/${String(pid)}/stat`, 'latin1');
  // After the name in parentheses: state is field 3, so utime, stime, cutime and cstime (14 to 17) are 11 to 14 here.
  const ticks = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 15)
    .map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) / TICKS_A_SECOND;
}
