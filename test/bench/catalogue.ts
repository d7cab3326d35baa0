/** The scale of the catalogue: a simulated set of millions of segments, in a process of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.ts';
import { measure } from './measure.ts';
import { HOLDFAST } from './peers/holdfast.ts';

const SEGMENTS = 8_000_000;
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

interface Result {
  readonly manifestBytes: number;
  readonly newPageBytes: number;
  readonly seconds: number;
}

/** One run is enough: it takes minutes, and what it shows are sizes. */
export async function catalogue(bench: Bench): Promise<void> {
  const { folder, dataset } = bench.large.options;
  const scratch = await mkdtemp(join(folder, 'catalogue-'));
  try {
    const count = String(Math.round(SEGMENTS * dataset.scale));
    const run = (name: string) =>
      measure(
        {
          // The flags that bin/holdfast.js sets.
          argv: [
            process.execPath,
            '--no-incremental-marking',
            '--max-semi-space-size=4',
            script(name),
            scratch,
            count,
          ],
          env: { PATH: process.env['PATH'] ?? '' },
          cwd: scratch,
          output: 'keep',
        },
        bench.signal,
      );
    await run('catalogue-fill.ts');
    const { output, ...figures } = await run('catalogue-run.ts');
    const { manifestBytes, newPageBytes, seconds } = JSON.parse(output) as Result;
    const note = (what: string, newBytes: number) =>
      bench.runs.push({
        ...figures,
        what,
        contestant: HOLDFAST,
        round: 0,
        serverCpuSeconds: 0,
        newBytes,
        seconds,
      });
    note('catalogue/manifest', manifestBytes);
    note('catalogue/pages', newPageBytes);
    bench.say(`catalogue: next day in ${seconds.toFixed(0)} s`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
