/** What the evidence page costs over many snapshots: every entry verified, every object listed, every day drawn. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench, Run } from './bench.ts';
import { compared, median } from './compared.ts';
import type { Target } from './compared.ts';
import { FIFTY, fiftySets } from './fifty-sets.ts';
import { measure } from './measure.ts';
import { HOLDFAST, holdfastCommand } from './peers/holdfast.ts';

export async function evidence(bench: Bench): Promise<void> {
  const folder = await fiftySets(bench);
  const env = { ...bench.large.options.env, HOME: folder };
  const command = holdfastCommand(
    { env, folder },
    ['report', '-o', 'report.html', '-c', 'holdfast.yaml'],
    'discard',
  );
  for (let round = 0; round < bench.rounds; round++) {
    const { output: _, ...figures } = await measure(command, bench.signal);
    const newBytes = (await stat(join(folder, 'report.html'))).size;
    const about = { contestant: HOLDFAST, round, serverCpuSeconds: 0, newBytes };
    bench.runs.push({
      what: 'report',
      ...about,
      ...figures,
      over: { snapshots: FIFTY.sets * FIFTY.snapshots },
    });
    bench.say(`report: ${figures.seconds.toFixed(2)} s, ${(newBytes / 1e6).toFixed(2)} MB`);
  }
}

const SECONDS_MAX = 5;
const BYTES_MAX = 3e6;

export function evidenceTargets(runs: readonly Run[]): readonly Target[] {
  const of = (figure: (run: Run) => number) =>
    median(runs.filter(({ what }) => what === 'report').map(figure));
  const about = { part: 'report', against: '', peer: NaN, unit: '' } as const;
  const [seconds, bytes] = [of((run) => run.seconds), of((run) => run.newBytes ?? NaN)];
  const what = `report, ${FIFTY.sets} sets of ${FIFTY.snapshots} snapshots`;
  return [
    compared({ ...about, what, limit: SECONDS_MAX, ours: seconds, show: (value) => `${value.toFixed(2)} s` }),
    compared({
      ...about,
      what: `${what}: the page`,
      limit: BYTES_MAX,
      ours: bytes,
      show: (value) => `${(value / 1e6).toFixed(2)} MB`,
    }),
  ];
}
