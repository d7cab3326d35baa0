/** The parts of the benchmark: each measures one thing for everybody who can do it. */
import { join } from 'node:path';
import { buildSingle } from '../../src/packaging/single.ts';
import type { Bench } from './bench.ts';
import { eachRound, perform } from './bench.ts';
import { catalogue } from './catalogue.ts';
import { checkCopy } from './dataset.ts';
import { drill } from './drill.ts';
import { evidence } from './evidence.ts';
import { files } from './engines/files.ts';
import { mariadb } from './engines/mariadb.ts';
import { redis } from './engines/redis.ts';
import type { Command } from './measure.ts';
import { measure } from './measure.ts';
import type { Part } from './options.ts';
import type { Contestant } from './peers/contestant.ts';
import { HOLDFAST, reusedShare, startupCommands } from './peers/holdfast.ts';
import { purge } from './purge.ts';
import { retention } from './retention.ts';
import type { Stage, Stand } from './stage.ts';
import { status } from './status.ts';

const STARTUP_RUNS = 10;

/** What each part does; `catalogue` (simulated), `retention` (on S3), `purge` and other engines have files of their own. */
export const PART: Readonly<Record<Part, (bench: Bench) => Promise<void>>> = {
  first,
  next,
  unchanged,
  cat,
  restore,
  drill,
  memory,
  catalogue,
  retention,
  purge,
  startup,
  status,
  report: evidence,
  mariadb,
  files,
  redis,
};

/** Everybody backs up day 1 into an empty repository. */
async function first(bench: Bench): Promise<void> {
  await bench.large.reach(1);
  await eachRound(bench, bench.contestants, async (contestant, round) => {
    await backup(bench, bench.large, 'first', await bench.large.stand(contestant, round), round);
  });
}

/** Everybody who has day 1 backs up day 2; each round has a repository of its own, so all runs see the same. */
async function next(bench: Bench): Promise<void> {
  await fillAll(bench);
  await bench.large.reach(2);
  await eachRound(bench, bench.contestants, async (contestant, round) => {
    await backup(bench, bench.large, 'next', await bench.large.stand(contestant, round), round);
  });
}

/** holdfast backs up what it has already. */
async function unchanged(bench: Bench): Promise<void> {
  await eachRound(bench, ours(bench), async (contestant, round) => {
    const stand = await bench.large.filledStand(contestant, round);
    const { command, done } = backupOf(bench.large, stand, '-again');
    // When the database has moved on since, the run before the measured one has to see the same rows.
    if (stand.newest?.day !== bench.large.day) await measure(command, bench.signal);
    await perform(bench, {
      what: 'unchanged',
      round,
      stand,
      command,
      figures: (output) => ({ reused: reusedShare(output) }),
    });
    done();
  });
}

async function cat(bench: Bench): Promise<void> {
  await eachRound(bench, bench.contestants, async (contestant, round) => {
    await catOnce(bench, 'cat', await bench.large.filledStand(contestant, round), round);
  });
}

/** Into a new database each time, compared with what must be in it, and dropped. */
async function restore(bench: Bench): Promise<void> {
  await eachRound(bench, bench.contestants, async (contestant, round) => {
    await restoreOnce(bench, bench.large, 'restore', await bench.large.filledStand(contestant, round), round);
  });
}

/** The same work on a small and on a large database, in repositories of its own. */
async function memory(bench: Bench): Promise<void> {
  for (const [size, stage] of [
    ['small', bench.small],
    ['large', bench.large],
  ] as const) {
    await stage.reach(1);
    for (const contestant of ours(bench)) {
      const stand = await stage.stand(contestant, bench.rounds);
      await backup(bench, stage, `memory/${size}/backup`, stand, 0);
      await catOnce(bench, `memory/${size}/cat`, stand, 0);
      await restoreOnce(bench, stage, `memory/${size}/restore`, stand, 0);
    }
  }
}

/** How long the program takes to come up. */
async function startup(bench: Bench): Promise<void> {
  const stage = bench.large.day > 0 ? bench.large : bench.small;
  for (const contestant of ours(bench)) {
    const stand = await stage.filledStand(contestant, 0);
    const single = join(stand.place.folder, 'holdfast-single');
    await buildSingle(single);
    for (const [name, command] of Object.entries(startupCommands(stand.place, single))) {
      for (let round = 0; round < STARTUP_RUNS; round++)
        await perform(bench, { what: `startup/${name}`, round, stand, command });
    }
  }
}

function ours(bench: Bench): readonly Contestant[] {
  return bench.contestants.filter((contestant) => contestant.name === HOLDFAST);
}

async function fillAll(bench: Bench): Promise<void> {
  await eachRound(bench, bench.contestants, async (contestant, round) => {
    await bench.large.filledStand(contestant, round);
  });
}

async function backup(bench: Bench, stage: Stage, what: string, stand: Stand, round: number): Promise<void> {
  const { command, done } = backupOf(stage, stand);
  await perform(bench, { what, round, stand, command });
  done();
}

function backupOf(
  stage: Stage,
  stand: Stand,
  suffix = '',
): { readonly command: Command; readonly done: () => void } {
  const newest = { label: `day${stage.day}${suffix}`, day: stage.day };
  return { command: stand.repository.backup(newest.label), done: () => (stand.newest = newest) };
}

async function catOnce(bench: Bench, what: string, stand: Stand, round: number): Promise<void> {
  if (stand.repository.cat === undefined || stand.newest === undefined) return;
  await perform(bench, { what, round, stand, command: stand.repository.cat(stand.newest.label) });
}

async function restoreOnce(
  bench: Bench,
  stage: Stage,
  what: string,
  stand: Stand,
  round: number,
): Promise<void> {
  if (stand.repository.restore === undefined || stand.newest === undefined) return;
  const copy = 'shop_copy';
  await perform(bench, { what, round, stand, command: stand.repository.restore(stand.newest.label, copy) });
  await checkCopy(bench.server, copy, stage.options.dataset.scale, stand.newest.day);
  await bench.server.sql('postgres', { text: `DROP DATABASE ${copy}` });
}
