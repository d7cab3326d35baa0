/** The benchmark as a whole: server, databases, contestants, and the list of everything that was measured. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import type { Command, Sample } from './measure.ts';
import { measure } from './measure.ts';
import type { Contestant } from './peers/contestant.ts';
import type { Server } from './postgres.ts';
import type { Environment } from './processes.ts';
import { run } from './processes.ts';
import type { Traffic } from './s3-traffic.ts';
import type { Stand } from './stage.ts';
import { Stage } from './stage.ts';

/** One measured run; the report is made of nothing but a list of these. */
export interface Run extends Omit<Sample, 'output'> {
  /** What was done: a part of the benchmark, or one step of it such as `memory/small/cat`. */
  readonly what: string;
  readonly contestant: string;
  readonly round: number;
  /** Processor seconds of the database server for this run. */
  readonly serverCpuSeconds: number;
  /** How much the repository grew, bytes. */
  readonly newBytes?: number;
  /** Share of segments that a backup reused, 0 to 1. */
  readonly reused?: number;
  /** What it asked of an S3 server, counted there. */
  readonly traffic?: Traffic;
  /** How much there was to do it over. */
  readonly over?: Over;
}

/** What a run whose traffic is counted had before it. */
export interface Over {
  readonly snapshots: number;
  /** That all snapshots refer to together. */
  readonly segments?: number;
  /** Of the store, before. */
  readonly storedBytes?: number;
  /** Who were erased, and how many rows they had, in all tables, where that was counted. */
  readonly people?: number;
  readonly rows?: number;
}

export interface Bench {
  readonly server: Server;
  readonly contestants: readonly Contestant[];
  readonly rounds: number;
  /** How many snapshots the part `retention` lists and expires. */
  readonly snapshots: number;
  readonly signal: AbortSignal;
  /** The database that all are compared on. */
  readonly large: Stage;
  /** A tenth of it: memory must not grow with the database. */
  readonly small: Stage;
  readonly runs: Run[];
  readonly say: (line: string) => void;
}

export interface BenchOptions extends Pick<
  Bench,
  'server' | 'contestants' | 'rounds' | 'snapshots' | 'signal' | 'say'
> {
  readonly folder: string;
  readonly env: Environment;
  readonly scale: number;
}

export async function openBench(options: BenchOptions): Promise<Bench> {
  const stage = async (database: string, scale: number): Promise<Stage> => {
    const folder = join(options.folder, database);
    await mkdir(folder);
    return new Stage({ ...options, dataset: { database, scale }, folder });
  };
  const [large, small] = [await stage('shop', options.scale), await stage('shop_small', options.scale / 10)];
  return { ...options, large, small, runs: [] };
}

export interface Task {
  readonly what: string;
  readonly round: number;
  readonly stand: Stand;
  readonly command: Command;
  /** More to note about the run, from what the command printed. */
  readonly figures?: (output: string) => Partial<Run>;
}

/** Measures one command after everything earlier has reached the disk, and notes the run. */
export async function perform(bench: Bench, task: Task): Promise<void> {
  const { what, round, stand, command } = task;
  await settle(bench, stand);
  const storedBefore = await stand.repository.storedBytes();
  const serverBefore = await bench.server.sessionSeconds();
  const sample = await measure(command, bench.signal);
  const serverCpuSeconds = (await bench.server.sessionSeconds()) - serverBefore;
  const newBytes = (await stand.repository.storedBytes()) - storedBefore;
  const { output, ...figures } = sample;
  const contestant = stand.contestant.name;
  bench.runs.push({
    what,
    contestant,
    round,
    ...figures,
    serverCpuSeconds,
    newBytes,
    ...task.figures?.(output),
  });
  bench.say(
    `${what.padEnd(22)} ${stand.contestant.name.padEnd(10)} ${String(round + 1)}  ${sample.seconds.toFixed(2)} s`,
  );
}

/** In every round all contestants run, each round beginning with another one, so that noise hits all alike. */
export async function eachRound(
  bench: Bench,
  contestants: readonly Contestant[],
  once: (contestant: Contestant, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < bench.rounds; round++) {
    const first = round % Math.max(1, contestants.length);
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)])
      await once(contestant, round);
  }
}

/** What one contestant left to be written must not slow the next one down. */
async function settle(bench: Bench, stand: Stand): Promise<void> {
  await bench.server.sql('postgres', { text: 'CHECKPOINT' });
  await run('sync', [], { env: stand.place.env, cwd: stand.place.folder, signal: bench.signal });
}
