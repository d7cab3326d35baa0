/** Tables are shared out among lanes: all of them, evenly, and the same way tomorrow. */
import { fc, test as prop } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { patternOf, shareOut, type SizedTable } from '../../src/sources/postgres/share-out.ts';

const MIB = 1024 * 1024;
const table = (name: string, mib: number): SizedTable => ({ schema: 'public', name, bytes: mib * MIB });
const names = (shares: SizedTable[][]): string[][] =>
  shares.map((share) => share.map(({ name }) => name).sort());

describe('shareOut', () => {
  test('one lane takes everything', () => {
    expect(shareOut([table('a', 100), table('b', 100)], 1)).toEqual([]);
  });

  test('a small database needs one lane only', () => {
    expect(shareOut([table('a', 3), table('b', 1)], 4)).toEqual([]);
    expect(shareOut([], 4)).toEqual([]);
  });

  test('two equal tables go two ways', () => {
    expect(names(shareOut([table('a', 100), table('b', 100)], 2))).toEqual([['b']]);
  });

  test('a table that outweighs all others has a lane of its own', () => {
    const tables = [table('giant', 1000), table('b', 100), table('c', 90), table('d', 80)];
    expect(names(shareOut(tables, 2))).toEqual([['b', 'c', 'd']]);
  });

  test('many small tables weigh in the first lane', () => {
    const small = Array.from({ length: 100 }, (_, at) => table(`s${at}`, 3));
    expect(names(shareOut([...small, table('a', 100), table('b', 90)], 2))).toEqual([['a', 'b']]);
  });

  test("a day's growth moves nothing", () => {
    const today = [table('a', 400), table('b', 140), table('c', 90), table('d', 73)];
    const tomorrow = today.map((each) => ({ ...each, bytes: Math.round(each.bytes * 1.005) }));
    expect(names(shareOut(tomorrow, 2))).toEqual(names(shareOut(today, 2)));
  });

  test('does not say more names than fit into arguments', () => {
    const many = Array.from({ length: 5000 }, (_, at) => table(`t${at}`, 100));
    expect(shareOut(many, 4).flat().length).toBeLessThanOrEqual(200);
  });

  prop.prop([
    fc.uniqueArray(fc.record({ name: fc.string(), bytes: fc.nat({ max: 1e12 }) }), {
      selector: ({ name }) => name,
      maxLength: 50,
    }),
    fc.integer({ min: 1, max: 6 }),
  ])('never gives a table twice, nor a lane without tables, nor more lanes than asked', (sized, lanes) => {
    const shares = shareOut(
      sized.map((each) => ({ schema: 's', ...each })),
      lanes,
    );
    const given = shares.flat().map(({ name }) => name);
    expect(new Set(given).size).toBe(given.length);
    expect(shares.length).toBeLessThan(lanes);
    expect(shares.every((share) => share.length > 0)).toBe(true);
  });
});

test('a pattern quotes what would be special', () => {
  expect(patternOf({ schema: 'a.b*', name: 'c"d?|$', bytes: 0 })).toBe('"a.b*"."c""d?|$"');
});
