/** What the last run of each verb said of each set, on this machine: a small file for each in the state folder. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readState, writeState } from '../repository/state-files.ts';
import type { RunReport, SetReport } from './monitor.ts';

const runSchema = z.looseObject({
  verb: z.string(),
  set: z.string(),
  tool: z.string(),
  /** Seconds since 1970, as everywhere in Prometheus. */
  time: z.number(),
  success: z.boolean(),
  duration: z.number(),
  /** The last success, which this run may be. */
  lastSuccess: z.number().optional(),
  /** Of the last success. */
  figures: z.record(z.string(), z.number()),
});
export type KnownRun = z.infer<typeof runSchema>;

/** Takes the place of what was known of this verb and set; the last success stays in mind. */
export async function rememberRun(folder: string, report: RunReport, one: SetReport): Promise<void> {
  const file = join(folder, `${report.verb}.${one.set}.json`);
  const before = await readRun(file);
  const time = report.time.getTime() / 1000;
  const success = one.outcome === 'success';
  const run: KnownRun = {
    ...{ verb: report.verb, set: one.set, tool: report.tool, time, success },
    duration: one.durationMs / 1000,
    ...(success
      ? { lastSuccess: time }
      : before?.lastSuccess !== undefined && { lastSuccess: before.lastSuccess }),
    figures: success ? one.figures : (before?.figures ?? {}),
  };
  await writeState(file, run);
}

/** Nothing, when it is damaged: figures come again with the next run. */
function readRun(file: string): Promise<KnownRun | undefined> {
  return readState(file, runSchema).catch(() => undefined);
}

/** All runs of these sets, sorted by verb and set. */
export async function readRuns(folder: string, sets: readonly string[]): Promise<readonly KnownRun[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const runs = await Promise.all(names.map((name) => readRun(join(folder, name))));
  return runs.filter((run) => run !== undefined).filter(({ set }) => sets.includes(set));
}
