/** Paths into JSON: what they find, what they refuse. */
import { describe, expect, test } from 'vitest';
import { jsonPath, parseJsonPath } from '../../src/rows/json-path.ts';

const WHERE = 'public.t, column j';

describe('a path', () => {
  test.for<[string, unknown]>([
    ['$', []],
    ['$.a.b', [{ name: 'a' }, { name: 'b' }]],
    ['$.items[*].id', [{ name: 'items' }, '*', { name: 'id' }]],
    ['$[0][12]', [{ index: 0 }, { index: 12 }]],
    ['$."a.b"["c\\"d"][\'e f\']', [{ name: 'a.b' }, { name: 'c"d' }, { name: 'e f' }]],
    ['$.größe._x$1', [{ name: 'größe' }, { name: '_x$1' }]],
  ])('%s is read', ([path, steps]) => {
    expect(parseJsonPath(path)).toEqual(steps);
  });

  test.for([
    '',
    'a',
    '.a',
    '$a',
    '$.',
    '$..a',
    '$.a.',
    '$[',
    '$[a]',
    '$[-1]',
    '$[01]',
    '$[1',
    '$.a-b',
    '$["a',
    '$["\\q"]',
    '$.*',
    '$ ',
  ])('%j is refused', (path) => {
    expect(() => parseJsonPath(path)).toThrow(expect.objectContaining({ code: 'JSON_PATH' }));
  });
});

describe('values', () => {
  test.for<[string, string, readonly (string | null)[]]>([
    ['{"a":{"b":42}}', '$.a.b', ['42']],
    ['{"a":"x\\u00e4\\n"}', '$.a', ['xä\n']],
    ['{"a":null}', '$.a', [null]],
    ['{"a":true,"b":1.50}', '$.b', ['1.50']],
    ['{"a":[1,"2",{"c":3}, [4]]}', '$.a[*]', ['1', '2', '{"c":3}', '[4]']],
    ['{"items":[{"id":1},{"id":2},{"x":3},null,4]}', '$.items[*].id', ['1', '2']],
    ['[[],[1]]', '$[1][0]', ['1']],
    ['{"a":1,"a":2}', '$.a', ['1', '2']],
    ['{"\\u0061":1}', '$.a', ['1']],
    [' { "a" : [ 1 , 2 ] } ', '$.a[1]', ['2']],
    ['{"a":{},"b":[]}', '$.a.x', []],
    ['[1]', '$.a', []],
    ['{"0":1}', '$[0]', []],
    ['"x"', '$', ['x']],
    ['{"a":"}]\\"","b":1}', '$.b', ['1']],
    ['{"a":-0.10e+5}', '$.a', ['-0.10e+5']],
  ])('of %s at %s', ([json, path, values]) => {
    expect(jsonPath(json, path, WHERE)).toEqual(values);
  });

  test('of NULL are none', () => {
    expect(jsonPath(null, '$.a', WHERE)).toEqual([]);
  });

  test('of what is no JSON are refused with the place', () => {
    for (const text of ['', '{', "{'a':1}", '{"a":1,}', '1 2', '\\x00']) {
      expect(() => jsonPath(text, '$.a', WHERE)).toThrow(
        expect.objectContaining({ code: 'JSON_INVALID', message: expect.stringContaining(WHERE) as string }),
      );
    }
  });

  test('are found however deep a document is', () => {
    const deep = `{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)},"a":1}`;
    expect(jsonPath(deep, '$.a', WHERE)).toEqual(['1']);
  });
});
