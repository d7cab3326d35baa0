/** Patterns of keys: whose key it is, and what is no pattern. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { keyPattern, parseKeyPattern } from '../../src/rows/key-pattern.ts';

describe('whose key it is', () => {
  test.each([
    ['session:{id}:*', 'session:42:cart:1', ['42']],
    ['session:{id}:*', 'session:42:', ['42']],
    ['session:{id}:*', 'session:42', []],
    ['session:{id}:*', 'xsession:42:1', []],
    ['session:{id}:*', 'session::1', []],
    ['session:{id}', 'session:42:cart', ['42:cart']],
    ['{id}', '42', ['42']],
    ['{id}', '', []],
    ['*:{id}', 'a:b:c', ['b:c']],
    ['cart/*/{id}', 'cart/eu/7', ['7']],
    ['cart/*/{id}', 'cart//7', ['7']],
    ['u.{id}+(x)', 'u.5+(x)', ['5']],
    ['u.{id}+(x)', 'ua5+(x)', []],
    ['a:{id}::*', 'a:1:2::x', ['1:2']],
    ['{id}:*:end', '5:a:b:end', ['5']],
    ['line:{id}:*', 'line:\n1:\n', ['\n1']],
    ['ü{id}💥*', 'ü42💥', ['42']],
    ['a-{id}:*x*y', 'a-1:_x_y_x_y', ['1']],
    ['a-{id}:*x*y', 'a-1:_y_x_', []],
    ['a-{id}:x*', 'a-1:yx', []],
  ])('%s of %j', (pattern, key, expected) => {
    expect(keyPattern(key, pattern)).toEqual(expected);
  });

  const text = fc.string({ maxLength: 12 }).filter((each) => !/[{}*:]/.test(each));
  const id = fc.string({ minLength: 1, maxLength: 12 }).filter((each) => !/:/.test(each));

  test.prop([text, id, fc.string()])('what is put in comes out', (before, name, rest) => {
    expect(keyPattern(`${before}:${name}:${rest}`, `${before}:{id}:*`)).toEqual([name]);
  });

  test.prop([fc.string(), id])('a key of another form is nobody’s', (key, name) => {
    fc.pre(!key.startsWith(`only:`));
    expect(keyPattern(key + name, 'only:{id}:*')).toEqual([]);
  });

  test.prop([fc.string({ maxLength: 3000 })])('no key takes long', (key) => {
    const startedMs = performance.now();
    keyPattern(`a:${key}`.repeat(10), 'a:*:b*c*d:{id}:*x*y*z');
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });

  test('NULL is nobody', () => {
    expect(keyPattern(null, '{id}')).toEqual([]);
  });
});

test.each([
  ['session:*', /no placeholder/],
  ['{a}:{b}', /several/],
  ['{a', /no placeholder/],
  ['{a}}', /brace/],
  ['{id}*', /beside/],
  ['*{id}', /beside/],
  ['a**:{id}', /side by side/],
])('%s is no pattern', (pattern, reason) => {
  expect(parseKeyPattern(pattern)).toMatch(reason);
});
