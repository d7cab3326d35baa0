/**
 * Exclude patterns, as .gitignore has taught them to people, without negation:
 * - a pattern without a slash (but at its end) is about names, wherever they are: `*.tmp`, `node_modules/`;
 * - one with a slash is about the path from the root: `/cache`, `img/thumbs/*`;
 * - a slash at its end restricts it to folders; `*` and `?` do not match a slash, `**` between slashes matches any
 *   number of folders, `[a-z]` and `[!a-z]` match one byte; a backslash takes away the meaning of what follows.
 *
 * What lies in a folder that is excluded is excluded with it.
 */
import { patternProblem } from '../patterns.ts';
import { badPattern } from './errors.ts';
import { fromText, type ByteName } from '../../rows/files/names.ts';

/** True when this is to be left out. */
export type Excludes = (path: ByteName, isFolder: boolean) => boolean;

/**
 * Makes one question of all patterns.
 * @throws HoldfastError FILES_PATTERN
 */
export function compilePatterns(patterns: readonly string[]): Excludes {
  const rules = patterns.map(compile);
  return (path, isFolder) =>
    rules.some(({ foldersOnly, form }) => (isFolder || !foldersOnly) && form.test(path));
}

/** One character of UTF-8, or one byte that is none, but no slash. */
const ONE = '(?:[\\xc2-\\xf4][\\x80-\\xbf]+|[^/])';

interface Rule {
  readonly foldersOnly: boolean;
  readonly form: RegExp;
}

function compile(pattern: string): Rule {
  const problem = patternProblem(pattern);
  if (problem !== undefined) throw badPattern(pattern, problem);
  const foldersOnly = pattern.endsWith('/');
  const bare = foldersOnly ? pattern.slice(0, -1) : pattern;
  const isAnchored = bare.includes('/');
  const path = fromText(bare.startsWith('/') ? bare.slice(1) : bare);
  try {
    return { foldersOnly, form: new RegExp(`^${isAnchored ? '' : '(?:[^]*/)?'}${formOf(path)}$`) };
  } catch {
    throw badPattern(pattern, 'has a [ that does not end');
  }
}

function formOf(pattern: ByteName): string {
  let form = '';
  let at = 0;
  while (at < pattern.length) {
    const [piece, length] = next(pattern, at);
    form += piece;
    at += length;
  }
  return form;
}

/** The next part of the pattern as a regular expression, and how long it was. */
function next(pattern: ByteName, at: number): readonly [string, number] {
  const rest = pattern.slice(at);
  const atStart = at === 0 || pattern[at - 1] === '/';
  if (atStart && rest.startsWith('**/')) return ['(?:[^]*/)?', 3];
  if (atStart && rest === '**') return ['[^]+', 2];
  const stars = /^\*+/.exec(rest);
  if (stars) return ['[^/]*', stars[0].length];
  if (rest.startsWith('?')) return [ONE, 1];
  if (rest.startsWith('\\') && rest.length > 1) return [literal(rest.charAt(1)), 2];
  if (!rest.startsWith('[')) return [literal(rest.charAt(0)), 1];
  const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(rest);
  if (!set) throw new SyntaxError('[');
  const [whole, not = '', members = ''] = set;
  return [`(?!/)[${not === '' ? '' : '^'}${members.replaceAll(/[\\\]^]/g, '\\$&')}]`, whole.length];
}

function literal(char: string): string {
  return /[\w/]/.test(char) ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
