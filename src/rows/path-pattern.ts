/**
 * Patterns of paths, such as `users/{id}/**`: what stands at the placeholder says whose file it is.
 *
 * A pattern is of the whole path, from the folder that is backed up. It has one placeholder `{name}`; `*` is any text,
 * and none, up to a slash; `**` in the place of a name is any number of folders. The placeholder never holds a slash; it,
 * and a `*` before it, end where the text behind them in the pattern begins for the first time, as in patterns of keys. A
 * pattern that fits a folder means all that is in it: `users/{id}`, `users/{id}/` and `users/{id}/**` are the same.
 *
 * In links of a subject map they begin with `./`, which no path in JSON and no pattern of keys does.
 */
import { closingText, escapedText, parseNamed } from './placeholder.ts';
import type { Value } from './values.ts';

/** What patterns of paths begin with where they stand among other links. */
export const PATH_MARK = './';

/** Stands for no pattern but for the path itself, and each folder above it. */
export const WHOLE_PATH = './';

export function isPathPattern(path: string): boolean {
  return path.startsWith(PATH_MARK);
}

export interface PathPattern {
  readonly name: string;
  /** What it matches of a path stands at the placeholder, as its group; global, since with `**` on both sides there may be several. */
  readonly expression: RegExp;
}

/** Reads a pattern, without its mark; the reason, as the end of a sentence, where it is none. */
export function parsePathPattern(pattern: string): PathPattern | string {
  const bare = pattern.replace(/^\/+/, '').replace(/(\/(\*\*)?)+$/, '');
  const parts = bare.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'has a part that is empty, . or ..';
  const named = parts.filter((part) => /[{}]/.test(part));
  const [own, ...more] = named;
  if (own === undefined) return 'has no placeholder such as {id}';
  if (more.length > 0) return 'has several placeholders';
  const parsed = parseNamed(own);
  if (typeof parsed === 'string') return parsed;
  const lost = parts.find((part) => part !== '**' && part.includes('**'));
  if (lost !== undefined) return 'has a ** that is not in the place of a name';
  const place = parts.indexOf(own);
  const before = parts.slice(0, place).map((part) => folderForm(part, '', '/'));
  const after = parts.slice(place + 1).map((part) => folderForm(part, '/', ''));
  // Looked at from the name: with ** before and behind it, one after the other may be the name.
  const text = `(?<=^${before.join('')})${nameForm(parsed)}(?=${after.join('')}$)`;
  return { name: parsed.name, expression: new RegExp(text, 'gsu') };
}

/** One name without the placeholder, or any number of folders; with the slash on this side of it. */
function folderForm(part: string, start: '/' | '', end: '/' | ''): string {
  return part === '**' ? `(?:${start}[^/]+${end})*` : start + starForm(part) + end;
}

/** One name with the placeholder in it. */
function nameForm({ before, after }: { readonly before: string; readonly after: string }): string {
  const start = before
    .split('*')
    .map(
      (text, index, all) =>
        escapedText(text) + (index < all.length - 1 ? upTo(all[index + 1] ?? '', '*') : ''),
    );
  const end = after === '' ? '[^/]+' : upTo(after.split('*')[0] ?? '', '+');
  return `${start.join('')}(${end})${starForm(after)}`;
}

function upTo(text: string, times: '+' | '*'): string {
  return closingText(text, '[^/]', times);
}

/** The first place of a text is as good as a later one, but for the last, which ends the name: nothing is tried twice. */
function starForm(text: string): string {
  return text
    .split('*')
    .map((part, index, all) => {
      if (index === 0) return escapedText(part);
      return (index === all.length - 1 ? '[^/]*' : upTo(part, '*')) + escapedText(part);
    })
    .join('');
}

const known = new Map<string, PathPattern>();

/**
 * What stands at the placeholder of a path, or of a folder above it; nothing where none of them has this form.
 * @param marked - with its mark; `WHOLE_PATH` gives the path itself and each folder above it
 */
export function pathPattern(value: Value, marked: string): Value[] {
  if (value === null || value === '.') return [];
  const paths = upwards(value);
  if (marked === WHOLE_PATH) return paths;
  const { expression } = known.get(marked) ?? remembered(marked);
  return [
    ...new Set(paths.flatMap((path) => [...path.matchAll(expression)].flatMap(([, own]) => own ?? []))),
  ];
}

function upwards(path: string): string[] {
  const paths = [path];
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
    paths.push(path.slice(0, at));
  return paths;
}

function remembered(marked: string): PathPattern {
  const parsed = parsePathPattern(marked.slice(PATH_MARK.length));
  if (typeof parsed === 'string') throw new Error(`the pattern ${parsed}`);
  known.set(marked, parsed);
  return parsed;
}
