/** `listed`: files of a subject whose names stand in a database. */
import { isPathPattern, WHOLE_PATH } from '../rows/path-pattern.ts';
import type { Field } from './fields.ts';
import type { JsonLink, Link, Listed, SubjectRoot } from './map.ts';
import { isTableName } from './reference.ts';

/** The column of the root, which has no rows, under which a path is known that somebody has named. */
export const PATH_COLUMN = 'path';

/** `{ set: shop, table: public.attachments, column: path, prefix: uploads/ }`, or a list of them. */
export function readListedNames(field: Field | undefined): readonly Listed[] {
  if (field === undefined) return [];
  const items = Array.isArray(field.value) ? (field.items('columns that list names') ?? []) : [field];
  return items.flatMap((item) => readOne(item) ?? []);
}

function readOne(field: Field): Listed | undefined {
  const fields = field.fields(['set', 'table', 'column', 'strip', 'prefix']);
  if (fields === undefined) return undefined;
  const text = (key: string, what: string): string | undefined => {
    const found = fields.get(key);
    return found === undefined ? field.wrong(`${key} is missing`, 'key') : found.text(what);
  };
  const set = text('set', 'a set of the configuration');
  const table = text('table', 'the table that lists files');
  const column = text('column', 'the column with their names');
  if (table !== undefined && !isTableName(table)) fields.get('table')?.wrong('is not a name of a table');
  if (set === undefined || table === undefined || column === undefined) return undefined;
  return {
    ...{ set, table, column },
    strip: fields.get('strip')?.text('what names begin with there, and not here') ?? '',
    prefix: fields.get('prefix')?.text('what comes before a name, such as uploads/') ?? '',
  };
}

/** Wherever files are somebody's by their paths, a path that was named is theirs too, with all that is below it. */
export function byWholePath(
  field: Field,
  links: readonly Link[],
  listed: readonly Listed[],
  root: SubjectRoot,
): readonly JsonLink[] {
  const hasPaths = links.some((link) => link.kind === 'json' && isPathPattern(link.path));
  if (!hasPaths && listed.length === 0) return [];
  const to = { table: root.table, columns: [PATH_COLUMN] };
  const about = { canonical: 'exact', when: new Map<string, string | null>(), follow: true } as const;
  const link: JsonLink = { kind: 'json', column: PATH_COLUMN, path: WHOLE_PATH, to, ...about };
  return [field.findings.place(link, field.path)];
}
