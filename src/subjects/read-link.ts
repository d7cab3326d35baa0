/** `link`, `json`, `keys` and `paths`: how a row is found to be about a subject. */
import { parseKeyPattern } from '../rows/key-pattern.ts';
import { parsePathPattern, PATH_MARK } from '../rows/path-pattern.ts';
import type { CanonicalForm } from './canonical.ts';
import { CANONICAL_FORMS } from './canonical.ts';
import { whole, type Field } from './fields.ts';
import type { Action, ColumnLink, Constant, JsonLink, Link, SubjectRoot } from './map.ts';
import { readConstant } from './read-action.ts';
import { splitReference, type ColumnReference } from './reference.ts';

/** `$`, then members, elements, or all of them. */
const JSON_PATH = /^\$(?:\.[\p{L}_$][\p{L}\p{N}_$-]*|\["[^"\\]*"\]|\['[^'\\]*'\]|\[\d{1,9}\]|\[\*\])+$/u;

/** What a link has from the level above it. */
export interface LinkSurroundings {
  readonly root: SubjectRoot;
  readonly action: Action | undefined;
  readonly follow: boolean;
}

/** The links that `link`, `json`, `keys` and `paths` of one level state. */
export function readLinks(fields: ReadonlyMap<string, Field>, around: LinkSurroundings): readonly Link[] {
  const link = fields.get('link');
  const json = fields.get('json');
  const keys = fields.get('keys');
  const paths = fields.get('paths');
  return [
    ...(link === undefined ? [] : [readColumnLink(link, around)].filter((each) => each !== undefined)),
    ...(json === undefined ? [] : readJsonLinks(json, around)),
    ...(keys === undefined ? [] : readPatternLinks(keys, KEYS, around)),
    ...(paths === undefined ? [] : readPatternLinks(paths, PATHS, around)),
  ];
}

/**
 * `{ user_id: public.users.id, when: { … }, canonical: lower }`. Columns may be called `when` and `canonical`: as
 * options they have values that no column can have.
 */
function readColumnLink(field: Field, around: LinkSurroundings): ColumnLink | undefined {
  const entries = field.entries('a map such as { user_id: public.users.id }');
  if (entries === undefined) return undefined;
  const when = entries.find(([key, { value }]) => key === 'when' && typeof value !== 'string')?.[1];
  const canonical = entries.find(([key, { value }]) => key === 'canonical' && isBare(value))?.[1];
  const columns = entries.filter(([, each]) => each !== when && each !== canonical);
  if (columns.length === 0) return field.wrong('names no column');
  const to = whole(columns.map(([, value]) => readReference(value)));
  const options = readOptions(when, canonical, around);
  if (to === undefined || options === undefined) return undefined;
  const [table, ...others] = new Set(to.map((reference) => reference.table));
  if (table === undefined || others.length > 0) {
    return field.wrong('leads to several tables; give each its own link in a list `links:`');
  }
  return field.findings.place<ColumnLink>(
    {
      kind: 'columns',
      columns: columns.map(([column]) => column),
      to: { table, columns: to.map(({ column }) => column) },
      ...options,
    },
    field.path,
  );
}

/** `{ detail: $.user.id }`, `{ detail: [$.a, $.b] }` or `{ detail: { path: $.user.id, to: public.users.id } }`. */
function readJsonLinks(field: Field, around: LinkSurroundings): readonly JsonLink[] {
  const entries = field.entries('a map such as { detail: $.user.id }') ?? [];
  return entries.flatMap(([column, value]) => {
    const paths = Array.isArray(value.value) ? (value.items('paths') ?? []) : [value];
    return paths.flatMap((path) => readJsonLink(column, path, around) ?? []);
  });
}

function readJsonLink(column: string, field: Field, around: LinkSurroundings): JsonLink | undefined {
  const isLong = typeof field.value === 'object' && field.value !== null;
  const fields = isLong ? field.fields(['path', 'to', 'when', 'canonical']) : new Map([['path', field]]);
  if (fields === undefined) return undefined;
  const path = fields.get('path');
  if (path === undefined) return field.wrong('path is missing', 'key');
  if (typeof path.value !== 'string' || !JSON_PATH.test(path.value)) {
    return path.wrong('must be a path such as $.user.id or "$.items[*].owner"');
  }
  const to = fields.get('to');
  const target = to === undefined ? rootKey(field, around.root) : readReference(to);
  const options = readOptions(fields.get('when'), fields.get('canonical'), around);
  if (target === undefined || options === undefined) return undefined;
  return field.findings.place<JsonLink>(
    {
      kind: 'json',
      column,
      path: path.value,
      to: { table: target.table, columns: [target.column] },
      ...options,
    },
    field.path,
  );
}

/** Patterns of what: how they are read, and of which column. */
interface PatternKind {
  readonly column: string;
  readonly what: string;
  readonly such: string;
  readonly parse: (text: string) => { readonly name: string } | string;
  /** As `valuesInside` knows them. */
  readonly mark: string;
}

/** The column of a Redis database in which its keys stand. */
const KEYS: PatternKind = {
  column: 'key',
  what: 'patterns of keys',
  such: 'a pattern such as session:{id}:*',
  parse: (text) => (text.startsWith('$') ? 'begins with $, as paths in JSON do' : parseKeyPattern(text)),
  mark: '',
};

/** The column of the list of files in which their paths stand. */
const PATHS: PatternKind = {
  column: 'path',
  what: 'patterns of paths',
  such: 'a pattern such as users/{id}/**',
  parse: parsePathPattern,
  mark: PATH_MARK,
};

/** `["session:{id}:*", "user:{id}"]`: the placeholder is a column of the root. */
function readPatternLinks(
  field: Field,
  { column, what, such, parse, mark }: PatternKind,
  { root, ...around }: LinkSurroundings,
): readonly JsonLink[] {
  return (field.items(what) ?? []).flatMap((item) => {
    const text = item.text(such);
    if (text === undefined) return [];
    const pattern = parse(text);
    if (typeof pattern === 'string') return item.wrong(pattern) ?? [];
    if (!root.key.includes(pattern.name) && !root.lookup.has(pattern.name))
      return item.wrong(`names {${pattern.name}}, which is neither key nor lookup of the root`) ?? [];
    const options = readOptions(undefined, undefined, { root, ...around });
    if (options === undefined) return [];
    const to = { table: root.table, columns: [pattern.name] };
    return field.findings.place<JsonLink>(
      { kind: 'json', column, path: mark + text, to, ...options },
      item.path,
    );
  });
}

function rootKey(field: Field, root: SubjectRoot): ColumnReference | undefined {
  const [column, ...others] = root.key;
  if (column === undefined || others.length > 0) {
    return field.wrong('the root key has several columns: say which one with { path: …, to: table.column }');
  }
  return { table: root.table, column };
}

function readOptions(
  whenField: Field | undefined,
  canonicalField: Field | undefined,
  { action, follow }: LinkSurroundings,
): Pick<Link, 'when' | 'canonical' | 'action' | 'follow'> | undefined {
  const when = whenField === undefined ? new Map<string, Constant>() : readWhen(whenField);
  const canonical: CanonicalForm | undefined =
    canonicalField === undefined ? 'exact' : canonicalField.word(CANONICAL_FORMS);
  if (when === undefined || canonical === undefined) return undefined;
  return { when, canonical, follow, ...(action !== undefined && { action }) };
}

function readWhen(field: Field): ReadonlyMap<string, Constant> | undefined {
  const entries = field.entries('a map such as { owner_type: User }');
  if (entries === undefined) return undefined;
  if (entries.length === 0) return field.wrong('must name a column');
  const values = entries.map(([column, value]) => {
    const constant = readConstant(value);
    return constant === undefined ? undefined : ([column, constant] as const);
  });
  const read = whole(values);
  return read && field.findings.place(new Map(read), field.path);
}

function readReference(field: Field): ColumnReference | undefined {
  const text = field.text('table.column, such as public.users.id');
  if (text === undefined) return undefined;
  return splitReference(text) ?? field.wrong('must be table.column, such as public.users.id');
}

function isBare(value: unknown): boolean {
  return typeof value !== 'string' || !value.includes('.');
}
