/**
 * Patterns of keys, such as `session:{id}:*`: what stands at the placeholder says whose key it is.
 *
 * A pattern is of the whole key. It has one placeholder `{name}`, of at least one character. `*` is any text, and none;
 * the placeholder, and a `*` before it, end where the text behind them in the pattern begins for the first time: of
 * `session:42:cart:1`, `session:{id}:*` gives 42 and `session:{id}` gives `42:cart:1`.
 */
import { jsonPath } from './json-path.ts';
import { isPathPattern, pathPattern } from './path-pattern.ts';
import { closingText, escapedText, parseNamed } from './placeholder.ts';
import type { Value } from './values.ts';

/**
 * What a value is found by: a path into JSON begins with `$`, a pattern of paths with `./`, everything else is a pattern
 * of keys.
 */
export function isKeyPattern(path: string): boolean {
  return !path.startsWith('$') && !isPathPattern(path);
}

/** The placeholder's name, and what a key must look like. */
export interface KeyPattern {
  readonly name: string;
  readonly expression: RegExp;
}

/** Reads a pattern; the reason, as the end of a sentence, where it is none. */
export function parseKeyPattern(pattern: string): KeyPattern | string {
  if (isPathPattern(pattern)) return 'begins with ./, as patterns of paths do';
  const parsed = parseNamed(pattern);
  if (typeof parsed === 'string') return parsed;
  const { name, before, after } = parsed;
  const end = after === '' ? '.+' : upTo(after, '+');
  const start = before
    .split('*')
    .map(
      (text, index, all) =>
        escapedText(text) + (index < all.length - 1 ? upTo(all[index + 1] ?? '', '*') : ''),
    );
  const rest = after.split('*').map(behind);
  return { name, expression: new RegExp(`^${start.join('')}(${end})${rest.join('')}$`, 'su') };
}

/** The first place of a text is as good as a later one, but for the last, which ends the key: so nothing is tried twice. */
function behind(text: string, index: number, all: readonly string[]): string {
  if (index === 0) return escapedText(text);
  return (index === all.length - 1 ? '.*' : upTo(text, '*')) + escapedText(text);
}

/** Any text in which what comes next does not begin. */
function upTo(next: string, times: '+' | '*'): string {
  return closingText(next.split('*')[0] ?? '', '.', times);
}

/**
 * The values that a link finds inside a column: by a path in JSON, or by a pattern in a key or in a path of files.
 * @param where - what holds the value, for errors: table and column
 * @throws HoldfastError JSON_PATH, JSON_INVALID
 */
export function valuesInside(value: Value, path: string, where: string): Value[] {
  if (isPathPattern(path)) return pathPattern(value, path);
  return isKeyPattern(path) ? keyPattern(value, path) : jsonPath(value, path, where);
}

const known = new Map<string, KeyPattern>();

/** What stands at the placeholder of a key; nothing where the key has another form. */
export function keyPattern(value: Value, pattern: string): Value[] {
  if (value === null) return [];
  const parsed = known.get(pattern) ?? remembered(pattern);
  const found = parsed.expression.exec(value)?.[1];
  return found === undefined ? [] : [found];
}

function remembered(pattern: string): KeyPattern {
  const parsed = parseKeyPattern(pattern);
  if (typeof parsed === 'string') throw new Error(`the pattern ${parsed}`);
  known.set(pattern, parsed);
  return parsed;
}
