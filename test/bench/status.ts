/** What monitors pay every few minutes: `status` over many sets with many snapshots each, in a local store. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench, Run } from './bench.ts';
import { compared, median } from './compared.ts';
import type { Target } from './compared.ts';
import { FIFTY, fiftySets } from './fifty-sets.ts';
import { measure } from './measure.ts';
import { HOLDFAST, holdfastCommand } from './peers/holdfast.ts';

const CONFIG = 'status.yaml';
const SECONDS_MAX = 1;

export async function status(bench: Bench): Promise<void> {
  const folder = await fiftySets(bench);
  // No drill was made in it, and what is overdue ends with an exit code.
  const config = await readFile(join(folder, 'holdfast.yaml'), 'utf8');
  await writeFile(join(folder, CONFIG), config.replace(/^promises: .*\n/m, ''));
  const env = { ...bench.large.options.env, HOME: folder };
  const command = holdfastCommand({ env, folder }, ['status', '-c', CONFIG], 'discard');
  for (let round = 0; round < bench.rounds; round++) {
    const { output: _, ...figures } = await measure(command, bench.signal);
    const over = { snapshots: FIFTY.sets * FIFTY.snapshots };
    bench.runs.push({ what: 'status', contestant: HOLDFAST, round, serverCpuSeconds: 0, ...figures, over });
    bench.say(`status: ${figures.seconds.toFixed(2)} s`);
  }
}

export function statusTarget(runs: readonly Run[]): Target {
  const seconds = median(runs.filter(({ what }) => what === 'status').map((run) => run.seconds));
  return compared({
    ...{ part: 'status', what: `status, ${FIFTY.sets} sets of ${FIFTY.snapshots} snapshots`, against: '' },
    ...{ limit: SECONDS_MAX, ours: seconds, peer: NaN, unit: '' },
    show: (value) => `${value.toFixed(2)} s`,
  });
}
