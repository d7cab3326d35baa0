/**
 * Goal: SIGKILL before and after every write to the store never yields a snapshot that verifies and does not restore,
 * and the next run just works.
 */
import { describe, expect, test } from 'vitest';
import { PLACES, keysIn } from '../services/machines.ts';
import { Diary } from './diary.ts';

/** Two packs: one that is full, and the rest. */
const MEBIBYTES = 9;

describe.each(PLACES)('with the store in %s', (_, makePlace) => {
  test('a backup that is killed before or after each of its writes', async () => {
    const place = await makePlace();
    const before = await keysIn(place).catch(() => []);
    expect(before).toEqual([]);
    const diary = await Diary.open(place, MEBIBYTES);
    const writes = await writesOfARun(diary);
    // Pack, pack, manifest, entry: fewer would mean that the fault is not counted where it should be.
    expect(writes).toBe(4);

    for (let n = 1; n <= writes; n++) {
      for (const when of ['before', 'after'] as const) {
        const env = { HOLDFAST_TEST_FAULT: `kill-${when}:${String(n)}` };
        const { result, committed } = await diary.day(['--full'], { env });
        expect(result).toMatchObject({ signal: 'SIGKILL', stdout: '' });
        // The entry is the commit: only after the last write is there a snapshot.
        expect({ n, when, committed }).toEqual({ n, when, committed: n === writes && when === 'after' });
        expect((await diary.day()).result.exitCode).toBe(0);
      }
    }
    await diary.restoreAll();
  });

  test('an entry whose acknowledgement is lost counts once', async () => {
    const diary = await Diary.open(await makePlace(), 1);
    const { result, committed } = await diary.day(['--full'], { env: { HOLDFAST_TEST_FAULT: 'lose:3' } });
    expect(result.exitCode).toBe(0);
    expect(committed).toBe(true);
    expect((await diary.day()).result.exitCode).toBe(0);
  });

  test.each([1, 2, 3])(
    'write %i fails for good: one clear error, no snapshot, and the next run works',
    async (n) => {
      const diary = await Diary.open(await makePlace(), 1);
      const fault = { HOLDFAST_TEST_FAULT: `fail:${String(n)}:STORE_FULL` };
      const { result, committed } = await diary.day(['--full'], { env: fault });
      expect(result).toMatchObject({ exitCode: 1, stdout: '' });
      expect(result.stderr).toMatch(/^holdfast: error: .*STORE_FULL\nholdfast: hint: .*\n$/);
      expect(committed).toBe(false);
      expect((await diary.day()).result.exitCode).toBe(0);
    },
  );
});

/** Counts the objects that a full run adds. */
async function writesOfARun(diary: Diary): Promise<number> {
  const before = await keysIn(diary.host.place);
  expect((await diary.day(['--full'])).committed).toBe(true);
  return (await keysIn(diary.host.place)).length - before.length;
}
