/** Goal: SIGKILL at any moment of a backup leaves a store in which everything that is listed is whole. */
import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { PLACES } from '../services/machines.ts';
import { Diary } from './diary.ts';

const RUNS = 10;
const SEED = Number(process.env['HOLDFAST_TEST_SEED'] ?? randomInt(2 ** 31));

/** Many whole runs, one after another, on a machine that may have other things to do. */
const PATIENCE = { timeout: 300_000 };

describe.each(PLACES)('with the store in %s', (name, makePlace) => {
  test(
    `${String(RUNS)} backups that are killed at random moments (seed ${String(SEED)})`,
    PATIENCE,
    async () => {
      const diary = await Diary.open(await makePlace(), 2);
      const { ms: wholeMs } = await diary.day(['--full']);
      const random = randomFrom(SEED);
      let killed = 0;
      let committed = 0;
      for (let run = 0; run < RUNS; run++) {
        const afterMs = Math.round(wholeMs * (0.1 + random()));
        const day = await diary.day(run % 3 === 0 ? [] : ['--full'], { kill: { afterMs } });
        if (day.result.signal === 'SIGKILL') killed++;
        if (day.committed) committed++;
      }
      expect((await diary.day()).committed).toBe(true);
      await diary.check();
      // Where nothing was killed, nothing was tested.
      expect(killed, `of ${String(RUNS)} in ${name}, ${String(committed)} committed`).toBeGreaterThan(2);
    },
  );
});

/** A small generator (mulberry32), so that a seed gives the same moments again. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
