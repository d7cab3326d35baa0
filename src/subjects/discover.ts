/**
 * Drafts a subject map from a schema, for a person to finish.
 *
 * What foreign keys say goes into the draft: rows that point at a subject's rows are the subject's, and what the
 * database itself would do on deletion is proposed. Everything else is written as a comment with the reasons for
 * and against: until somebody has decided about a table, `subjects check` refuses, which is the point.
 */
import type { Schema, TableSchema } from '../sources/schema.ts';
import { nearest } from '../nearest.ts';
import { isDeleting, proposeChild, proposeIndex, proposeRoot } from './discover-propose.ts';
import { render } from './discover-render.ts';
import { proposeUndecided } from './discover-undecided.ts';
import type { Draft, Proposal, Root } from './draft.ts';
import { rootUnknown } from './errors.ts';
import { isTextOf } from './full-text.ts';
import { ruleFor, type SubjectMap } from './map.ts';
import { hasColumn } from './narrow.ts';
import { SUBJECT_NAME } from './names.ts';
import { bareName, splitReference } from './reference.ts';
import { singular } from './words.ts';

export interface DiscoverOptions {
  /** `table.column`, such as `public.users.id`; of a key of several columns `public.users.tenant,id`. */
  readonly root: string;
  /** What the draft calls one subject; the root table's name in the singular when not given. */
  readonly subject?: string;
  /** The command that made the draft, for its first line. */
  readonly command: string;
}

/**
 * The draft as YAML.
 * @throws HoldfastError SUBJECTS_ROOT when the schema has no such table or column, or it is no key
 */
export function discover(schema: Schema, options: DiscoverOptions): string {
  const root = findRoot(schema, options.root);
  const subject = options.subject ?? subjectName(root.table.name);
  return render(draft(schema, root, subject), options.command);
}

function draft(schema: Schema, root: Root, subject: string): Draft {
  const wholes = wholeTables(schema);
  const reached = reach(wholes, root);
  const indexes = wholes.flatMap((table) => proposeIndex(table) ?? []);
  const decided = new Set([...reached, ...indexes].map(({ table }) => table.name));
  const rest = wholes.filter((table) => !decided.has(table.name) && needsRule(table, decided));
  const around = { root, reached: new Map(reached.map((proposal) => [proposal.table.name, proposal])) };
  return {
    subject,
    root,
    decided: [...reached, ...indexes],
    undecided: rest.map((table) => proposeUndecided(table, around)),
    hasLargeObjects: schema.largeObjects === true,
  };
}

/** What a virtual table keeps its data in goes with it, except the text of an index that is built again from it. */
function needsRule({ name, shadowOf }: TableSchema, decided: ReadonlySet<string>): boolean {
  if (shadowOf !== undefined) return isTextOf({ name, shadowOf }) && decided.has(shadowOf);
  return ruleFor({ tables: NO_RULES }, { name }) === undefined;
}

const NO_RULES: SubjectMap['tables'] = new Map();

/** Tables as a map names them: a partitioned table stands for its partitions, which have its keys once more. */
function wholeTables(schema: Schema): readonly TableSchema[] {
  const whole = new Map(schema.tables.map(({ name, partitionOf }) => [name, partitionOf ?? name]));
  return schema.tables
    .filter(({ partitionOf }) => partitionOf === undefined)
    .map((table) => ({
      ...table,
      foreignKeys: table.foreignKeys.map((key) => ({
        ...key,
        references: whole.get(key.references) ?? key.references,
      })),
    }));
}

/** The root, and every table from which foreign keys lead to rows that would be deleted. */
function reach(tables: readonly TableSchema[], root: Root): readonly Proposal[] {
  const found = new Map<string, Proposal>([[root.table.name, proposeRoot(root.table)]]);
  const deleting = new Set([root.table.name]);
  // A table that is reached later may turn out to be pointed at by one that was found earlier: so until nothing changes.
  for (let before = -1; before !== deleting.size + found.size;) {
    before = deleting.size + found.size;
    for (const table of tables) {
      if (table.name === root.table.name) continue;
      const proposal = proposeChild(table, deleting);
      if (proposal === undefined) continue;
      found.set(table.name, proposal);
      if (isDeleting(proposal)) deleting.add(table.name);
    }
  }
  return [...found.values()];
}

function findRoot(schema: Schema, text: string): Root {
  const reference = splitReference(text);
  if (reference === undefined) {
    throw rootUnknown(text, 'is not table.column', 'Write it as public.users.id, or users.id for SQLite.');
  }
  const names = schema.tables.map(({ name }) => name);
  const table = schema.tables.find(({ name }) => name === reference.table);
  if (table === undefined) {
    const near = nearest(reference.table, names);
    const hint =
      near === undefined ? `The tables are: ${names.slice(0, 20).join(', ')}.` : `Did you mean '${near}'?`;
    throw rootUnknown(text, `there is no table ${reference.table}`, hint);
  }
  const key = hasColumn(table, reference.column) ? [reference.column] : reference.column.split(',');
  const missing = key.find((column) => !hasColumn(table, column));
  if (missing !== undefined) {
    const columns = table.columns.map(({ name }) => name).join(', ');
    throw rootUnknown(text, `${table.name} has no column ${missing}`, `Its columns are: ${columns}.`);
  }
  const isWhole = (unique: readonly string[]) =>
    unique.length === key.length && unique.every((column) => key.includes(column));
  if (![table.primaryKey, ...table.uniques].some(isWhole)) {
    throw rootUnknown(
      text,
      `${key.join(', ')} ${key.length === 1 ? 'is' : 'are'} not unique in ${table.name}`,
      table.primaryKey.length > 1
        ? `Name what tells one subject from another, such as --root ${table.name}.${table.primaryKey.join(',')}.`
        : 'Name a column that tells one subject from another.',
    );
  }
  return { table, key };
}

function subjectName(table: string): string {
  const name = singular(bareName(table))
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '');
  return SUBJECT_NAME.test(name) ? name : 'subject';
}
