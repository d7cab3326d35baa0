/** One table of a subject map. */
import { whole, type Field } from './fields.ts';
import type { Link, Linked, SubjectRoot, TableRule } from './map.ts';
import { readAction } from './read-action.ts';
import { readLinks } from './read-link.ts';
import { byWholePath, readListedNames } from './read-listed.ts';
import { isTableName } from './reference.ts';

const DECLARATIONS = ['no_personal_data', 'rebuild'] as const;
const LINK_KEYS = ['link', 'json', 'keys', 'paths', 'follow', 'erase', 'keep'] as const;
const COLUMN_LISTS = ['text', 'large_objects', 'optional', 'not_personal'] as const;
const TABLE_KEYS = [
  ...DECLARATIONS,
  'link',
  'json',
  'keys',
  'paths',
  'listed',
  'links',
  'follow',
  'erase',
  'keep',
  ...COLUMN_LISTS,
];

/** The rule that an entry of `tables` states; undefined when it is wrong. */
export function readTable(name: string, field: Field, root: SubjectRoot): TableRule | undefined {
  if (!isTableName(name)) field.wrong('is not a name of a table, such as public.users', 'key');
  const before = field.findings.problems.length;
  const fields = field.fields(TABLE_KEYS);
  if (fields === undefined) return undefined;
  const rule = readDeclared(field, fields) ?? readLinked(name, field, fields, root, before);
  return rule && field.findings.place(rule, field.path);
}

function readDeclared(field: Field, fields: ReadonlyMap<string, Field>): TableRule | undefined {
  const declaration = DECLARATIONS.find((key) => fields.has(key));
  if (declaration === undefined) return undefined;
  fields.get(declaration)?.declared();
  if (declaration === 'rebuild') {
    if (fields.size > 1) field.wrong('rebuild stands alone', 'key');
    return { kind: 'rebuilt' };
  }
  const others = [...fields.keys()].filter((key) => key !== declaration && key !== 'not_personal');
  if (others.length > 0) field.wrong(`no_personal_data and ${others.join(', ')} exclude each other`, 'key');
  return { kind: 'no-personal-data', ...notPersonal(fields) };
}

function readLinked(
  name: string,
  field: Field,
  fields: ReadonlyMap<string, Field>,
  root: SubjectRoot,
  before: number,
): Linked | undefined {
  const action = readAction(field, fields);
  const around = { root, action: undefined, follow: readFollow(fields) };
  const listed = fields.get('links')?.items('links');
  const names = readListedNames(fields.get('listed'));
  const links = [...readLinks(fields, around), ...(listed ?? []).flatMap((item) => readListed(item, root))];
  const isRoot = name === root.table;
  mustLead(field, fields, isRoot);
  const own = action ?? (isRoot ? undefined : actionOfAll(links));
  if (own === undefined) {
    // What was meant for one may be what is wrong.
    if (field.findings.problems.length === before) field.wrong(missingAction(isRoot, fields), 'key');
    return undefined;
  }
  return {
    kind: 'linked',
    links: [...links, ...byWholePath(field, links, names, root)],
    action: own,
    text: readColumns(fields, 'text'),
    largeObjects: readColumns(fields, 'large_objects'),
    optional: readColumns(fields, 'optional'),
    ...notPersonal(fields),
    ...(names.length > 0 && { listed: names }),
  };
}

function notPersonal(fields: ReadonlyMap<string, Field>): { readonly notPersonal?: readonly string[] } {
  return fields.has('not_personal') ? { notPersonal: readColumns(fields, 'not_personal') } : {};
}

const LEADING = ['link', 'json', 'keys', 'paths', 'listed', 'links'];

function mustLead(field: Field, fields: ReadonlyMap<string, Field>, isRoot: boolean): void {
  if (isRoot || LEADING.some((key) => fields.has(key))) return;
  field.wrong('needs a link (or json, keys, paths, or links): how are its rows about a subject?', 'key');
}

function missingAction(isRoot: boolean, fields: ReadonlyMap<string, Field>): string {
  if (!isRoot && fields.has('links')) return 'needs erase or keep, here or in each of its links';
  return 'needs erase: delete, erase: { set: … } or keep: { because: … }';
}

/** Where every link has an action, the table needs none. */
function actionOfAll(links: readonly Link[]): Linked['action'] | undefined {
  return whole(links.map(({ action }) => action))?.[0];
}

/** An item of `links`: what a table has that has one link only. */
function readListed(item: Field, root: SubjectRoot): readonly Link[] {
  const fields = item.fields(LINK_KEYS);
  if (fields === undefined) return [];
  if (!['link', 'json', 'keys', 'paths'].some((key) => fields.has(key)))
    item.wrong('needs link or json, keys or paths');
  return readLinks(fields, { root, action: readAction(item, fields), follow: readFollow(fields) });
}

function readFollow(fields: ReadonlyMap<string, Field>): boolean {
  const follow = fields.get('follow');
  if (follow === undefined || follow.value === true) return true;
  if (follow.value !== false) follow.wrong('must be true or false');
  return false;
}

function readColumns(
  fields: ReadonlyMap<string, Field>,
  key: (typeof COLUMN_LISTS)[number],
): readonly string[] {
  const field = fields.get(key);
  const columns = field?.names('names of columns') ?? [];
  return field === undefined ? columns : field.findings.place([...columns], field.path);
}
