/** What a drill costs beyond the restore that it is: on the server that a restore would use, and on one that it starts. */
import type { Bench, Run } from './bench.ts';
import { eachRound, perform } from './bench.ts';
import { compared, median } from './compared.ts';
import type { Target } from './compared.ts';
import { HOLDFAST, holdfastCommand } from './peers/holdfast.ts';

const CONFIG = ['-c', 'holdfast.yaml', '--key', 'ops.key', '--jobs', '2'];
const COPY = 'shop_drilled';

/** Restore and drills take turns, so that noise hits all alike. */
export async function drill(bench: Bench): Promise<void> {
  const ours = bench.contestants.filter(({ name }) => name === HOLDFAST);
  await eachRound(bench, ours, async (contestant, round) => {
    const stand = await bench.large.filledStand(contestant, 0);
    const { place } = stand;
    const once = async (what: string, args: readonly string[]) => {
      const command = holdfastCommand(place, [...args, ...CONFIG], 'keep');
      await perform(bench, { what: `drill/${what}`, round, stand, command });
    };
    await once('restore', ['restore', 'shop', '--to', place.urlOf(COPY)]);
    await bench.server.sql('postgres', { text: `DROP DATABASE ${COPY}` });
    await once('there', ['drill', 'shop', '--scratch', place.urlOf('postgres')]);
    await once('own', ['drill', 'shop']);
  });
}

/** By wall time, and by the processor time of program and server together. */
export function drillTargets(runs: readonly Run[]): readonly Target[] {
  const of = (step: string, figure: (run: Run) => number) =>
    median(runs.filter(({ what }) => what === `drill/${step}`).map(figure));
  const line = (what: string, step: string, figure: (run: Run) => number): Target =>
    compared({
      ...{ part: 'drill', what, against: 'restore', limit: 1.15, unit: '×' },
      ...{ ours: of(step, figure), peer: of('restore', figure) },
      show: (value) => `${value.toFixed(2)} s`,
    });
  return [
    line('drill on the same server', 'there', ({ seconds }) => seconds),
    line('drill on the same server, CPU', 'there', cpu),
    line('drill on a server of its own', 'own', ({ seconds }) => seconds),
  ];
}

function cpu({ cpuSeconds, serverCpuSeconds }: Run): number {
  return cpuSeconds + serverCpuSeconds;
}
