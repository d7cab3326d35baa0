/** Units in sets: by their keys, or by their places; what runs over several segments counts only as a whole. */
import { fc, test as property } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { UnitSet, unitKeyFor } from '../../src/purge/locate/unit-set.ts';

const placeOf = (writer: string, chain: number) => ({ set: 'shop', writer, chain });
const packs = fc.stringMatching(/^(0[0-9]{2}|[1-9][0-9]{3})\/[0-9a-f]{16}$/);
const segments = fc.record({ pack: packs, offset: fc.nat() });
const writers = fc.constantFrom('db1', 'db-1', 'a+b', 'a/b', '030');
const places = fc.record({ writer: writers, chain: fc.integer({ min: 1, max: 30 }) });
const units = fc.array(fc.tuple(places, fc.array(segments, { minLength: 1, maxLength: 3 })), {
  maxLength: 12,
});

property.prop([units, units])(
  'has what was put in, by key or by place, and nothing else',
  (inside, others) => {
    const keyOf = ([{ writer, chain }, some]: (typeof inside)[number]) =>
      unitKeyFor(`${writer}-${chain}`, some);
    const byKey = UnitSet.of(inside.map(keyOf));
    const byPlace = new UnitSet();
    for (const [{ writer, chain }, some] of inside) byPlace.add(placeOf(writer, chain), some);
    const keys = new Set(inside.map(keyOf));
    for (const unit of [...inside, ...others]) {
      const [{ writer, chain }, some] = unit;
      const place = placeOf(writer, chain);
      for (const set of [byKey, byPlace]) expect(set.has(place, some)).toBe(keys.has(keyOf(unit)));
      for (const one of some)
        expect(byKey.ofChain(place)(one)).toBe(keys.has(unitKeyFor(`${writer}-${chain}`, [one])));
    }
    const rest = byPlace.without(UnitSet.of(others.map(keyOf)));
    const gone = new Set(others.map(keyOf));
    for (const unit of inside)
      expect(rest.has(placeOf(unit[0].writer, unit[0].chain), unit[1])).toBe(!gone.has(keyOf(unit)));
  },
);

test('counts segments', () => {
  const set = new UnitSet();
  const [a, b, c] = [1, 2, 3].map((offset) => ({ pack: '030/0123456789abcdef', offset }));
  if (!a || !b || !c) throw new Error('no segments');
  set.addOnes(placeOf('db1', 1), [a, b, a]);
  set.add(placeOf('db1', 2), [a]);
  set.add(placeOf('db1', 1), [b, c]);
  expect(set.segments).toBe(5);
});
