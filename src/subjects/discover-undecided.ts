/** Tables that no foreign key ties to a subject: what there is to say for and against each. */
import type { TableSchema } from '../sources/schema.ts';
import { linkOf, looksOf } from './discover-propose.ts';
import type { Proposal, Root, Yaml } from './draft.ts';
import { personalColumns } from './personal.ts';
import { bareName, joinReference } from './reference.ts';
import { incomparable } from './types.ts';
import { className, singular } from './words.ts';

export interface Surroundings {
  readonly root: Root;
  readonly reached: ReadonlyMap<string, Proposal>;
}

/** A rule that may be right, with reasons; never one that is taken without a look. */
export function proposeUndecided(table: TableSchema, around: Surroundings): Proposal {
  const looks = looksOf(table);
  const index = indexRemark(table);
  const parents = (table.parents ?? []).map((parent) => `inherits from ${parent}, whose rule may fit`);
  const candidate =
    byPolymorphism(table, around.root) ??
    byName(table, around.root) ??
    byMail(table, around.root) ??
    pointedAt(table, around);
  const remarks = [...index, ...(candidate?.remarks ?? []), ...parents, ...looks];
  return { table, rule: candidate?.rule ?? { no_personal_data: true }, remarks };
}

interface Candidate {
  readonly rule: { readonly [key: string]: Yaml };
  readonly remarks: readonly string[];
}

/** `owner_id` with `owner_type` beside it. */
function byPolymorphism(
  table: TableSchema,
  { table: root, key: [key = '', ...more] }: Root,
): Candidate | undefined {
  if (more.length > 0) return undefined;
  const names = table.columns.map(({ name }) => name);
  const stem = names.find((name) => name.endsWith('_id') && names.includes(name.replace(/_id$/, '_type')));
  const column = table.columns.find(({ name }) => name === stem);
  if (column === undefined || !mayBeKey(column.type, root, key)) return undefined;
  const type = column.name.replace(/_id$/, '_type');
  const link = {
    [column.name]: reference(root, key),
    when: { [type]: className(singular(bareName(root.name))) },
  };
  return {
    rule: { link, erase: 'delete' },
    remarks: [`${column.name} may point at ${root.name}, when ${type} says so: look what its values are`],
  };
}

/** `user_id` without a foreign key. One column names nobody where the key has several. */
function byName(table: TableSchema, { table: root, key: [key = '', ...more] }: Root): Candidate | undefined {
  if (more.length > 0) return undefined;
  const one = singular(bareName(root.name)).toLowerCase();
  const names = new Set(
    [`${one}_${key}`, `${one}${key}`, `${one}_id`, `${one}id`].map((name) => name.toLowerCase()),
  );
  const column = table.columns.find(({ name }) => names.has(name.toLowerCase()));
  if (column === undefined || column.generated || !mayBeKey(column.type, root, key)) return undefined;
  return {
    rule: { link: { [column.name]: reference(root, key) }, erase: 'delete' },
    remarks: [`${column.name} has the name of a reference to ${root.name}, and no foreign key`],
  };
}

/** An e-mail address that may be a subject's. */
function byMail(table: TableSchema, { table: root }: Root): Candidate | undefined {
  const mail = (each: TableSchema): string | undefined =>
    personalColumns(each).find(({ reason }) => reason === 'an e-mail address')?.column;
  const [own, other] = [mail(table), mail(root)];
  if (own === undefined || other === undefined) return undefined;
  return {
    rule: { link: { [own]: reference(root, other), canonical: 'lower' }, erase: 'delete' },
    remarks: [`${own} may be that of a row of ${root.name}`],
  };
}

/** A row that a subject's row points at: the subject's own address, or a country that belongs to nobody. */
function pointedAt(table: TableSchema, { reached }: Surroundings): Candidate | undefined {
  for (const { table: owner } of reached.values()) {
    const key = owner.foreignKeys.find(({ references }) => references === table.name);
    if (key === undefined) continue;
    const remarks = [
      `${owner.name} points here by ${key.columns.join(', ')}: a row of one subject, or shared by many?`,
    ];
    if (looksOf(table).length === 0) return { rule: { no_personal_data: true }, remarks };
    const back = linkOf({ ...key, columns: key.referenced, references: owner.name, referenced: key.columns });
    return { rule: { link: back, erase: 'delete' }, remarks };
  }
  return undefined;
}

function mayBeKey(type: string, root: TableSchema, key: string): boolean {
  const other = root.columns.find(({ name }) => name === key)?.type ?? '';
  return incomparable(type, other) === undefined;
}

function reference({ name }: TableSchema, column: string): string {
  return joinReference({ table: name, column });
}

/** Indexes that cannot be built again, and the text of one that can. */
function indexRemark({ virtual, shadowOf }: TableSchema): readonly string[] {
  if (shadowOf !== undefined) return [`the text of the full-text index ${shadowOf}; id is its rowid`];
  if (virtual === undefined) return [];
  if (virtual.content === 'none')
    return ['a full-text index without its text: it cannot be built again without somebody'];
  return [`a table of the module ${virtual.module}: it cannot be built again without somebody`];
}
