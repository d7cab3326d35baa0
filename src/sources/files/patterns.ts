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

/** A part of a pattern; a star stands before the first of what it is followed by, and so does a `**`. */
type Part = { readonly form: string } | { readonly star: 'name' | 'folders' };

/**
 * Where a star can end sooner or later, sooner is as good: what follows up to the next star is as long in either case. So
 * each of them is looked for once (a lookahead keeps what it has found), and no name, however hostile, makes the search
 * begin again and again.
 */
function formOf(pattern: ByteName): string {
  const sections = splitAt(partsOf(pattern), 'folders');
  return sections
    .map((parts, index) => {
      const name = `f${index}`;
      const form = namesForm(parts, name);
      if (index === 0) return form;
      return index < sections.length - 1 ? once(name, `(?:[^]*?/)??${form}`) : `(?:[^]*/)?${form}`;
    })
    .join('');
}

/** A section without `**`: in each name the stars but the last one are looked for once. */
function namesForm(parts: readonly Part[], prefix: string): string {
  const chunks = splitAt(parts, 'name').map((chunk) =>
    chunk.map((part) => ('form' in part ? part.form : '')),
  );
  return chunks
    .map((forms, index) => {
      const chunk = forms.join('');
      if (index === 0) return chunk;
      const isLastOfName = index === chunks.length - 1 || forms.includes('/');
      return isLastOfName ? `[^/]*${chunk}` : once(`${prefix}n${index}`, `[^/]*?${chunk}`);
    })
    .join('');
}

function once(name: string, form: string): string {
  return `(?=(?<${name}>${form}))\\k<${name}>`;
}

function splitAt(parts: readonly Part[], star: 'name' | 'folders'): Part[][] {
  const groups: Part[][] = [[]];
  for (const part of parts) {
    if ('star' in part && part.star === star) groups.push([]);
    else groups.at(-1)?.push(part);
  }
  return groups;
}

function partsOf(pattern: ByteName): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < pattern.length) {
    const [part, length] = next(pattern, at);
    parts.push(part);
    at += length;
  }
  return parts;
}

/** The next part of the pattern, and how long it was. */
function next(pattern: ByteName, at: number): readonly [Part, number] {
  const rest = pattern.slice(at);
  const atStart = at === 0 || pattern[at - 1] === '/';
  if (atStart && rest.startsWith('**/')) return [{ star: 'folders' }, 3];
  if (atStart && rest === '**') return [{ form: '[^]+' }, 2];
  const stars = /^\*+/.exec(rest);
  if (stars) return [{ star: 'name' }, stars[0].length];
  if (rest.startsWith('?')) return [{ form: ONE }, 1];
  if (rest.startsWith('\\') && rest.length > 1) return [{ form: literal(rest.charAt(1)) }, 2];
  if (!rest.startsWith('[')) return [{ form: literal(rest.charAt(0)) }, 1];
  const set = /^\[([!^]?)(\]?[^\]]*)\]/.exec(rest);
  if (!set) throw new SyntaxError('[');
  const [whole, not = '', members = ''] = set;
  const form = `(?!/)[${not === '' ? '' : '^'}${members.replaceAll(/[\\\]^]/g, '\\$&')}]`;
  return [{ form }, whole.length];
}

function literal(char: string): string {
  return /[\w/]/.test(char) ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
