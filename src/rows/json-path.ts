/**
 * Values inside JSON text, found in place: a parsed document would have lost the doubling of names and the writing of
 * numbers.
 *
 * Whether the text is JSON at all, JSON.parse decides; after that, finding the ends of values is simple.
 */
import { badJsonPath, notJson } from './errors.ts';
import { isJson } from './values.ts';
import type { Value } from './values.ts';

/** A member by name, an element by number from 0, or all elements (`*`). */
export type JsonStep = { readonly name: string } | { readonly index: number } | '*';

const NAME = /\.([\p{L}_$][\p{L}\p{N}_$]*)/uy;
const QUOTED = /(?:\.("(?:[^"\\]|\\.)*")|\["((?:[^"\\]|\\.)*)"\]|\['([^'\\]*)'\])/y;
const ELEMENT = /\[(\*|0|[1-9][0-9]{0,8})\]/y;

/**
 * Parses a path: `$`, then any of `.name`, `."odd name"`, `["odd name"]`, `['odd name']`, `[0]`, `[*]`.
 * @throws HoldfastError JSON_PATH
 */
export function parseJsonPath(path: string): readonly JsonStep[] {
  if (!path.startsWith('$')) throw badJsonPath(path, 0);
  const steps: JsonStep[] = [];
  for (let at = 1; at < path.length;) {
    const [step, end] = stepAt(path, at);
    steps.push(step);
    at = end;
  }
  return steps;
}

function stepAt(path: string, at: number): readonly [JsonStep, number] {
  const name = matchAt(NAME, path, at);
  if (name !== undefined) return [{ name: name[1] ?? '' }, at + name[0].length];
  const quoted = matchAt(QUOTED, path, at);
  if (quoted !== undefined) {
    const [all, dotted, bracketed, single] = quoted;
    const json = dotted ?? `"${bracketed ?? ''}"`;
    return [{ name: single ?? unescaped(json) ?? fail(path, at) }, at + all.length];
  }
  const element = matchAt(ELEMENT, path, at) ?? fail(path, at);
  const which = element[1] ?? '*';
  return [which === '*' ? '*' : { index: Number(which) }, at + element[0].length];
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text) ?? undefined;
}

function unescaped(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}

function fail(path: string, at: number): never {
  throw badJsonPath(path, at);
}

/**
 * The values that a path leads to, in their order: of a string its text, of null null, of everything else its JSON. None
 * for NULL. Of a name that an object has twice, both: PostgreSQL
 * reads the last and SQLite the first, and an erasure must not miss either.
 *
 * @param where - what holds the value, for errors: table and column
 * @throws HoldfastError JSON_PATH, JSON_INVALID
 */
export function jsonPath(value: Value, path: string | readonly JsonStep[], where: string): Value[] {
  const steps = typeof path === 'string' ? parseJsonPath(path) : path;
  if (value === null) return [];
  if (!isJson(value)) throw notJson(where);
  let starts = [skipSpace(value, 0)];
  for (const step of steps) starts = starts.flatMap((at) => [...stepInto(value, at, step)]);
  return starts.map((start) => valueAt(value, start));
}

/** Where the values begin that one step leads to from the value that begins here. */
function* stepInto(json: string, start: number, step: JsonStep): Iterable<number> {
  const isObject = typeof step === 'object' && 'name' in step;
  if (json.charAt(start) !== (isObject ? '{' : '[')) return;
  let at = skipSpace(json, start + 1);
  for (let index = 0; !/[}\]]/.test(json.charAt(at)); index += 1) {
    let name: string | undefined;
    if (isObject) {
      const end = valueEnd(json, at);
      name = JSON.parse(json.slice(at, end)) as string;
      // Behind the colon.
      at = skipSpace(json, skipSpace(json, end) + 1);
    }
    const isMeant = step === '*' || ('name' in step ? step.name === name : step.index === index);
    if (isMeant) yield at;
    at = skipSpace(json, valueEnd(json, at));
    if (json.charAt(at) === ',') at = skipSpace(json, at + 1);
  }
}

function valueAt(json: string, start: number): Value {
  const text = json.slice(start, valueEnd(json, start));
  if (text === 'null') return null;
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

function skipSpace(json: string, from: number): number {
  let at = from;
  while (/[ \t\n\r]/.test(json.charAt(at))) at += 1;
  return at;
}

/** The end of the value that begins here, however deep it is. */
function valueEnd(json: string, start: number): number {
  let depth = 0;
  let at = start;
  do {
    const character = json.charAt(at);
    if (character === '"') at = stringEnd(json, at);
    else if (character === '{' || character === '[') {
      depth += 1;
      at += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      at += 1;
    } else at = depth === 0 ? scalarEnd(json, at) : at + 1;
  } while (depth > 0);
  return at;
}

function stringEnd(json: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    const character = json.charAt(at);
    if (character === '"') return at + 1;
    if (character === '\\') at += 1;
  }
}

function scalarEnd(json: string, start: number): number {
  let at = start;
  while (at < json.length && !/[\s,\]}]/.test(json.charAt(at))) at += 1;
  return at;
}
