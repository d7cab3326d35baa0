/**
 * Goal: SIGKILL before and after every write to the store never yields a snapshot that verifies and does not restore,
 * and the next run just works.
 */
import { describe, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { PLACES, keysIn } from '../services/machines.ts';
import { Diary } from './diary.ts';

/** A pack holds 8 MiB: on the folder a run writes two of them, so that one is under way while another is filled. */
const PACKS = { 'a folder': { mebibytes: 9, packs: 2 }, S3: { mebibytes: 1, packs: 1 } };

/** Many whole runs, one after another, on a machine that may have other things to do. */
const PATIENCE = { timeout: 300_000 };

describe.each(PLACES)('with the store in %s', (name, makePlace) => {
  test('a backup that is killed before or after each of its writes', PATIENCE, async () => {
    const { mebibytes, packs } = PACKS[name];
    const diary = await Diary.open(await makePlace(), mebibytes);
    const writes = await writesOfARun(diary);
    // Packs, manifest, entry: another number would mean that faults are not counted where they should be.
    expect(writes).toBe(packs + 2);

    for (let n = 1; n <= writes; n++) {
      for (const when of ['before', 'after'] as const) {
        const env = { HOLDFAST_TEST_FAULT: `kill-${when}:${String(n)}` };
        const { result, committed } = await diary.day(['--full'], { env });
        expect(result).toMatchObject({ signal: 'SIGKILL', stdout: '' });
        // The entry is the commit: only after the last write is there a snapshot.
        expect({ n, when, committed }).toEqual({ n, when, committed: n === writes && when === 'after' });
        expect((await diary.day()).committed).toBe(true);
      }
    }
    await diary.check();
  });

  test('a write that fails for good, and one whose acknowledgement is lost', PATIENCE, async () => {
    const diary = await Diary.open(await makePlace(), 1);
    for (const n of [1, 2, 3]) {
      const env = { HOLDFAST_TEST_FAULT: `fail:${String(n)}:STORE_FULL` };
      const { result, committed } = await diary.day(['--full'], { env });
      expect({ n, committed }).toEqual({ n, committed: false });
      expectComplaint(result, { exit: 1, error: /STORE_FULL/, hint: /HOLDFAST_TEST_FAULT/ });
      expect((await diary.day()).committed).toBe(true);
    }
    for (const n of [1, 2, 3]) {
      const { result, committed } = await diary.day(['--full'], {
        env: { HOLDFAST_TEST_FAULT: `lose:${String(n)}` },
      });
      expect({ n, committed, exitCode: result.exitCode }).toEqual({ n, committed: true, exitCode: 0 });
    }
    await diary.check();
  });
});

/** Counts the objects that a full run adds. */
async function writesOfARun(diary: Diary): Promise<number> {
  const before = await keysIn(diary.host.place);
  expect((await diary.day(['--full'])).committed).toBe(true);
  return (await keysIn(diary.host.place)).length - before.length;
}
