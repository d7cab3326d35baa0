/** Values in JSON are found where walking the parsed document finds them. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { jsonPath, type JsonStep } from '../../src/rows/json-path.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const name = fc.constantFrom('a', 'b', 'odd "name"', 'ü', '', '__proto__', '\\');
const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.double({ noDefaultInfinity: true, noNaN: true }).map((x) => (Object.is(x, -0) ? 0 : x)),
      fc.string({ unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '\n', 'ä', '😀', 'x') }),
    ),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.uniqueArray(fc.tuple(name, tie('value')), { maxLength: 4, selector: ([key]) => key }).map(objectOf),
  ),
}));

/** Object.fromEntries would do, but for `__proto__`, which is a name like any other in JSON. */
function objectOf(entries: readonly (readonly [string, Json])[]): Json {
  const object = Object.create(null) as Record<string, Json>;
  for (const [key, value] of entries) object[key] = value;
  return object;
}

const steps = fc.array(
  fc.oneof(
    name.map((each): JsonStep => ({ name: each })),
    fc.nat({ max: 3 }).map((index): JsonStep => ({ index })),
    fc.constant<JsonStep>('*'),
  ),
  { maxLength: 4 },
);

/** The document as text with white space wherever it may stand. */
const spaced = fc.tuple(json, fc.constantFrom('', ' ', '\n\t')).map(([value, space]) => ({
  value,
  text: written(value, space),
}));

function written(value: Json, space: string): string {
  const between = `${space},${space}`;
  if (Array.isArray(value)) {
    const items = (value as readonly Json[]).map((each) => written(each, space));
    return `${space}[${space}${items.join(between)}${space}]${space}`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, each]) => `${JSON.stringify(key)}${space}:${space}${written(each, space)}`,
  );
  return `{${space}${members.join(between)}${space}}`;
}

function walk(value: Json, [step, ...rest]: readonly JsonStep[]): Json[] {
  if (step === undefined) return [value];
  if (typeof value !== 'object' || value === null) return [];
  if (typeof step === 'object' && 'name' in step) {
    const object = value as Record<string, Json>;
    const has = !Array.isArray(value) && Object.hasOwn(object, step.name);
    return has ? walk(object[step.name] ?? null, rest) : [];
  }
  if (!Array.isArray(value)) return [];
  const items = value as readonly Json[];
  return (step === '*' ? items : items.slice(step.index, step.index + 1)).flatMap((each) => walk(each, rest));
}

/** What `jsonPath` gives of a parsed value, with objects compared by their content. */
function shown(value: Json): unknown {
  if (value === null || typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function normal(value: string | null): unknown {
  if (value === null || !/^\s*[{[]/.test(value)) return value;
  try {
    return JSON.stringify(JSON.parse(value));
  } catch {
    return value;
  }
}

describe('jsonPath', () => {
  test.prop([spaced, steps])('finds what a walk over the parsed document finds', ({ value, text }, path) => {
    const found = jsonPath(text, path, 'x');
    expect(found.map(normal)).toEqual(
      walk(JSON.parse(text) as Json, path).map((each) => normal(shown(each) as string)),
    );
    expect(walk(value, path)).toHaveLength(found.length);
  });
});
