/**
 * Figures for Prometheus, in a file that its node_exporter reads (`--collector.textfile.directory`). What each run said
 * lies in the state folder, a file for each verb and set; the whole page is made of all of them and put in its place at
 * once. Rules: https://github.com/prometheus/node_exporter#textfile-collector: no time stamps, the name ends in .prom,
 * and a file that is still being written must not be seen.
 */
import { randomBytes } from 'node:crypto';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { reasonOf } from '../errors.ts';
import { monitorFailed } from './errors.ts';
import { exposition } from './exposition.ts';
import { readRuns, rememberRun } from './known-runs.ts';
import type { KnownRun } from './known-runs.ts';
import type { Monitor } from './monitor.ts';

export interface MetricsOptions {
  /** Where the page goes; ends in `.prom`. */
  readonly path: string;
  /** Where each run is remembered. */
  readonly stateFolder: string;
  /** Of the configuration: what was said of others is left out. */
  readonly sets: readonly string[];
}

export function metricsMonitor({ path, stateFolder, sets }: MetricsOptions): Monitor {
  const name = `metrics in ${path}`;
  return {
    name,
    tell: async (report, signal) => {
      try {
        for (const one of report.sets) await rememberRun(stateFolder, report, one);
        signal.throwIfAborted();
        await publish(path, () => readRuns(stateFolder, sets));
      } catch (error) {
        signal.throwIfAborted();
        throw monitorFailed(name, reasonOf(error), error);
      }
    },
  };
}

/** Another run may do the same at this moment: whoever comes last has seen what all others have remembered. */
async function publish(path: string, read: () => Promise<readonly KnownRun[]>): Promise<void> {
  for (let page = exposition(await read()), done = false; !done;) {
    await replaceFile(path, page);
    const now = exposition(await read());
    done = now === page;
    page = now;
  }
}

/** Readable for all: it is another user who reads it, and it holds nothing that is secret. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = join(
    dirname(path),
    `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}`,
  );
  try {
    await writeFile(temporary, text);
    await chmod(temporary, 0o644);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
