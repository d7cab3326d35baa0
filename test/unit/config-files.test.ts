/** What a set of files may say, and what only databases may. */
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse.ts';

const PLACE = { file: '/etc/x/holdfast.yaml', shown: 'holdfast.yaml', env: {}, openToAll: false };

function parse(set: string) {
  const text = `version: 1\nstore: file:///s\nrecipients: [a.asc]\nsets:\n  up: {keep: 30d, ${set}}\n`;
  return parseConfig(text, PLACE).sets.get('up');
}

test('a folder, and what is left out of it', () => {
  expect(parse("source: files, path: data, exclude: ['*.tmp', '/a/**/b/']")).toMatchObject({
    source: 'files',
    path: '/etc/x/data',
    exclude: ['*.tmp', '/a/**/b/'],
  });
  expect(parse('source: files, path: /data')).toMatchObject({ path: '/data', exclude: [] });
  expect(parse('source: files, path: a, subjects: s.yaml')).toMatchObject({ subjects: '/etc/x/s.yaml' });
});

test.each([
  ['source: files', /files needs a path/],
  ['source: files, path: a, url_env: X', /url_env.*is for databases/],
  ['source: files, path: a, exclude: ["!x"]', /the pattern begins with !/],
  ['source: files, path: a, exclude: ["/"]', /would leave out everything/],
  ['source: files, path: a, exclude: [""]', /would leave out everything/],
  ['source: files, path: a, exclude: ["a/../b"]', /holds \. or \.\. as a name/],
  ['source: files, path: a, exclude: ["[ab"]', /has a \[ that does not end/],
  ['source: files, path: a, exclude: ["**/**/**/**/**"]', /too many \*\*/],
  ['source: sqlite, path: a, exclude: ["x"]', /exclude.*is for files/],
])('%s is refused', (set, problem) => {
  expect(() => parse(set)).toThrow(problem);
});
