/** Exclude patterns mean what git means by them. */
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fc } from '@fast-check/vitest';
import { expect, test } from 'vitest';
import { fromText } from '../../src/rows/files/names.ts';
import { compilePatterns } from '../../src/sources/files/patterns.ts';
import { patternProblem } from '../../src/sources/patterns.ts';
import { locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';

const part = fc
  .stringMatching(/^(?:[ab.]|\*|\?|\[ab\]|\[!a\]|\[^b\]|\[a-c\]|\\\*){1,4}$/)
  .filter((text) => !text.includes('**'));
// git takes a**/b for a/**/b, its documentation does not: it cuts off the a before it looks.
const pattern = fc
  .tuple(
    fc.boolean(),
    fc.array(fc.oneof(part, fc.constant('**')), { minLength: 1, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([rooted, parts, folder]) => `${rooted ? '/' : ''}${parts.join('/')}${folder ? '/' : ''}`)
  .filter((text) => patternProblem(text) === undefined);
const FOLDERS = ['a', 'b', 'ab', 'a.b', 'c'];
const FILES = ['aa', 'ba', '*', '.b', 'abab'];

/** Both kinds of things in three levels: what is there, and whether it is a folder. */
async function makeLevels(root: string): Promise<ReadonlyMap<string, boolean>> {
  const all = new Map<string, boolean>();
  const fill = async (folder: string, depth: number): Promise<void> => {
    for (const name of FILES) {
      await writeFile(join(root, folder, name), '');
      all.set(`${folder}${name}`, false);
    }
    for (const name of depth > 0 ? FOLDERS : []) {
      await mkdir(join(root, folder, name));
      all.set(`${folder}${name}`, true);
      await fill(`${folder}${name}/`, depth - 1);
    }
  };
  await fill('', 2);
  return all;
}

test('they match what git check-ignore matches', async () => {
  const folder = await tempFolder('git');
  const git = (args: readonly string[], input = ''): string => {
    try {
      const env = { HOME: folder, PATH: process.env['PATH'] };
      return execFileSync(locateOrThrow('git'), args, { cwd: folder, input, env, encoding: 'utf8' });
    } catch (error) {
      // 1: none of them is ignored.
      if ((error as { status?: number }).status === 1) return '';
      throw error;
    }
  };
  git(['init', '-q']);
  await mkdir(join(folder, '.git/info'), { recursive: true });
  const all = await makeLevels(folder);
  const input = `${[...all.keys()].join('\0')}\0`;
  await fc.assert(
    fc.asyncProperty(pattern, async (text) => {
      await writeFile(join(folder, '.git/info/exclude'), `${text}\n`);
      const theirs = git(['check-ignore', '--no-index', '--stdin', '-z'], input).split('\0');
      const excludes = compilePatterns([text]);
      const isExcluded = (path: string): boolean => {
        const above = path.split('/').map((_, at, parts) => parts.slice(0, at + 1).join('/'));
        return above.some((one) => excludes(fromText(one), all.get(one) ?? false));
      };
      const ours = [...all.keys()].filter(isExcluded);
      expect([text, ours]).toEqual([text, theirs.filter((one) => one !== '')]);
    }),
    { numRuns: 250 },
  );
});

test('no name makes them look for ever', () => {
  const [dashes, slashes] = [`${'-'.repeat(254)}x`, `${'a/'.repeat(2000)}x`].map(fromText);
  const excludes = compilePatterns(['*-*-*-*-*-*-*.log', '/**/a/**/a/**/a/**/b', '**/a*a*/**/*b*b*']);
  for (const path of [dashes, slashes]) expect(excludes(path ?? fromText(''), false)).toBe(false);
  expect(excludes(fromText('1-2-3-4-5-6-7.log'), false)).toBe(true);
});

test('they are about bytes, and one ? is one character', () => {
  const [one, many] = [compilePatterns(['/?']), compilePatterns(['ü*'])];
  expect(one(fromText('ä'), false)).toBe(true);
  expect(one(fromText('表'), false)).toBe(true);
  expect(one('\xff', false)).toBe(true);
  expect(one(fromText('ää'), false)).toBe(false);
  expect(many(fromText('x/über\nuns'), false)).toBe(true);
  expect(many(fromText('x/aüb'), false)).toBe(false);
});
