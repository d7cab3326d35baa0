/** Reading a YAML value part by part, with every complaint kept together with its place. */
import type { Problem } from '../yaml/document.ts';
import { nearest } from '../nearest.ts';

type Path = readonly PropertyKey[];

/** What was found wrong, and where the parts of the result came from. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly #paths = new WeakMap<object, Path>();

  /** Remembers the place of a part of the result. */
  place<T extends object>(part: T, path: Path): T {
    this.#paths.set(part, path);
    return part;
  }

  pathOf(part: object): Path {
    return this.#paths.get(part) ?? [];
  }
}

/** A value and its place. What is wrong is said once and reads as undefined. */
export class Field {
  readonly value: unknown;
  readonly path: Path;
  readonly findings: Findings;

  constructor(value: unknown, path: Path, findings: Findings) {
    this.value = value;
    this.path = path;
    this.findings = findings;
  }

  /** Notes a problem; undefined, in the type of the reader that returns it. */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- what is returned without one counts as void
  wrong<T>(message: string, at: 'key' | 'value' = 'value'): T | undefined {
    this.findings.problems.push({ path: this.path, at, message });
    return undefined;
  }

  /** The entries of a map whose keys are names of columns or tables. */
  entries(what: string): readonly (readonly [string, Field])[] | undefined {
    if (!isMap(this.value)) return this.wrong(`must be ${what}, not ${typeName(this.value)}`);
    return Object.entries(this.value).map(([key, value]) => [key, this.#inner(value, key)]);
  }

  /** The fields of a map with these keys and no others. */
  fields(known: readonly string[]): ReadonlyMap<string, Field> | undefined {
    const entries = this.entries(`a map of ${known.join(', ')}`);
    for (const [key, field] of entries ?? []) {
      if (known.includes(key)) continue;
      const near = nearest(key, known);
      const advice = near === undefined ? `the keys here are ${known.join(', ')}` : `did you mean '${near}'?`;
      field.wrong(`unknown key; ${advice}`, 'key');
    }
    return entries && new Map(entries);
  }

  /** The items of a list that is not empty. */
  items(what: string): readonly Field[] | undefined {
    if (!Array.isArray(this.value))
      return this.wrong(`must be a list of ${what}, not ${typeName(this.value)}`);
    if (this.value.length === 0) return this.wrong('must not be empty');
    return this.value.map((item: unknown, index) => this.#inner(item, index));
  }

  /** Text that is not empty. */
  text(what: string): string | undefined {
    if (typeof this.value === 'string' && this.value !== '') return this.value;
    return this.wrong(`must be ${what}, not ${this.value === '' ? 'empty' : typeName(this.value)}`);
  }

  /** One of these words. */
  word<W extends string>(words: readonly W[]): W | undefined {
    const found = words.find((word) => word === this.value);
    return found ?? this.wrong(`must be ${words.length === 1 ? '' : 'one of '}${words.join(', ')}`);
  }

  /** Exactly `true`, which is all that a declaration can say. */
  declared(): true | undefined {
    return this.value === true ? true : this.wrong('must be true, or be left out');
  }

  /** One name, or a list of different ones. */
  names(what: string): readonly string[] | undefined {
    if (!Array.isArray(this.value)) {
      const name = this.text(what);
      return name === undefined ? undefined : [name];
    }
    const names = whole(this.items(what)?.map((item) => item.text(what)) ?? [undefined]);
    if (names === undefined) return undefined;
    return new Set(names).size === names.length ? names : this.wrong('names the same column twice');
  }

  #inner(value: unknown, key: PropertyKey): Field {
    return new Field(value, [...this.path, key], this.findings);
  }
}

/** The list, when nothing in it was wrong. */
export function whole<T>(list: readonly (T | undefined)[]): readonly T[] | undefined {
  const right = list.filter((each) => each !== undefined);
  return right.length === list.length ? right : undefined;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (isMap(value)) return 'a map';
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
}
