/** Patterns of paths: whose file it is, and what is no pattern. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { valuesInside } from '../../src/rows/key-pattern.ts';
import { parsePathPattern } from '../../src/rows/path-pattern.ts';

const valuesOf = (path: string | null, pattern: string) => valuesInside(path, `./${pattern}`, 'files.path');

describe('whose file it is', () => {
  test.each([
    ['users/{id}/**', 'users/7/a/b.png', ['7']],
    ['users/{id}/**', 'users/7', ['7']],
    ['users/{id}', 'users/7/a/b.png', ['7']],
    ['/users/{id}/', 'users/7', ['7']],
    ['users/{id}/**', 'users', []],
    ['users/{id}/**', 'xusers/7/a', []],
    ['users/{id}/**', 'users/users/7', ['users']],
    ['users/{id}/pictures', 'users/7/letters/a', []],
    ['users/{id}/pictures', 'users/7/pictures/a', ['7']],
    ['avatars/{id}.png', 'avatars/7.png', ['7']],
    ['avatars/{id}.png', 'avatars/7.pngx', []],
    ['avatars/{id}.png', 'avatars/a/7.png', []],
    ['avatars/{id}.png', 'avatars/.png', []],
    ['*/{id}.eml', 'in/7.eml', ['7']],
    ['*/{id}.eml', 'a/in/7.eml', []],
    ['**/{id}.eml', 'a/in/7.eml', ['7']],
    ['**/{id}.eml', '7.eml', ['7']],
    ['**/by/{id}', 'by/by/7/by/8', ['7', '8', 'by'].sort()],
    ['a/**/c/{id}', 'a/c/7', ['7']],
    ['a/**/c/{id}', 'a/b/b/c/7', ['7']],
    ['**/{id}/**/avatar.png', 'users/7/img/avatar.png', ['7', 'img', 'users']],
    ['**/u-{id}/**/*.png', 'a/u-7/b/c.png', ['7']],
    ['**/u-{id}/**/*.png', 'u-7/x/u-8/c.png', ['7', '8']],
    ['**/a/**/{id}/**/b/**', 'a/7/x/b/c', ['7', 'x']],
    ['u_{id}_*.jpg', 'u_7_large_1.jpg', ['7']],
    ['u.{id}+(x)', 'u.5+(x)', ['5']],
    ['{id}', '.', []],
    ['[a]/{id}', '[a]/7', ['7']],
  ])('%s of %j', (pattern, path, expected) => {
    expect(valuesOf(path, pattern).toSorted()).toEqual(expected);
  });

  const name = fc.stringMatching(/^[a-z0-9.]{1,8}$/).filter((each) => each !== '.' && each !== '..');

  test.prop([name, fc.array(name, { maxLength: 4 })])(
    'what is put in comes out, with all below',
    (id, below) => {
      const path = ['u', id, ...below].join('/');
      for (const pattern of ['u/{id}', 'u/{id}/', 'u/{id}/**']) expect(valuesOf(path, pattern)).toEqual([id]);
    },
  );

  test.prop([fc.array(name, { minLength: 1, maxLength: 5 })])(
    'a path is itself and each folder above it',
    (parts) => {
      const all = parts.map((_, at) => parts.slice(0, parts.length - at).join('/'));
      expect(valuesOf(parts.join('/'), '')).toEqual(all);
    },
  );

  test.prop([fc.string()])('no path takes long', (path) => {
    valuesOf(`${path}/`.repeat(30), '**/a*b*c*/{id}-*x*y*z');
    expect(valuesOf(null, '{id}')).toEqual([]);
  });
});

test.each([
  ['users/all', /no placeholder/],
  ['{id}/{name}', /several/],
  ['{id}{name}', /several/],
  ['*{id}', /\* beside/],
  ['a**/{id}', /\*\*/],
  ['a//{id}', /empty/],
  ['../{id}', /\.\./],
  ['./{id}', /\./],
  ['{}', /placeholder/],
])('%s is none', (pattern, reason) => {
  expect(parsePathPattern(pattern)).toMatch(reason);
});
