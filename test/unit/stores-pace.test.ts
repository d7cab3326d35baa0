/** Goal: quick calls are made at once, slow ones side by side, and the event loop is never kept waiting for long. */
import { describe, expect, test } from 'vitest';
import { Pace } from '../../src/stores/pace.ts';

/** How so many calls in a row, of so many milliseconds, are made: n for now, p for the pool. */
async function waysOf(calls: number, ms: number): Promise<string> {
  let time = 0;
  const pace = new Pace(() => time);
  let ways = '';
  for (let call = 0; call < calls; call++)
    ways += await pace.run(
      () => {
        time += ms;
        return 'n';
      },
      () => Promise.resolve('p'),
    );
  return ways;
}

describe('Pace', () => {
  test('what is more than a small call is left to the pool', async () => {
    expect(
      await new Pace().run(
        () => undefined,
        () => Promise.resolve('p'),
      ),
    ).toBe('p');
  });

  test('after a slow call the pool makes the next ones, and twice as many when the next try is slow, too', async () => {
    expect(await waysOf(1 + 16 + 1 + 32 + 1, 1)).toBe(`n${'p'.repeat(16)}n${'p'.repeat(32)}n`);
  });

  test('in one turn of the loop only some milliseconds are spent', async () => {
    // Awaiting what is done already gives the loop no turn.
    expect(await waysOf(40, 0.25)).toBe('n'.repeat(32) + 'p'.repeat(8));
  });

  test('the next turn begins anew', async () => {
    let time = 0;
    const pace = new Pace(() => time);
    const once = () =>
      pace.run(
        () => ((time += 0.25), 'n'),
        () => Promise.resolve('p'),
      );
    for (let call = 0; call < 32; call++) expect(await once()).toBe('n');
    expect(await once()).toBe('p');
    await new Promise((resolve) => setImmediate(resolve));
    expect(await once()).toBe('n');
  });

  test('an error of the call is its own', async () => {
    const fail = () => {
      throw new Error('not there');
    };
    await expect(new Pace().run(fail, () => Promise.resolve('p'))).rejects.toThrow('not there');
  });
});
