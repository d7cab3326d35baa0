/** What a draft proposes for a table, as far as keys and types of columns say it. */
import type { ColumnSchema, ForeignKey, TableSchema } from '../sources/schema.ts';
import type { Proposal, Yaml } from './draft.ts';
import { personalColumns } from './personal.ts';
import { bareName, joinReference } from './reference.ts';
import { familyOf, PSEUDONYM_LENGTH, pseudonymFor } from './types.ts';

/** The subject itself. */
export function proposeRoot(table: TableSchema): Proposal {
  const links = selfLinks(table);
  const rule = { ...(links.length > 0 && { links }), erase: 'delete', ...numbersOf(table) };
  return { table, rule, remarks: [...looksOf(table), ...selfRemark(links)] };
}

/**
 * A table with foreign keys to tables whose rows go; undefined when it has none.
 * @param deleting - the tables whose rows may be deleted
 */
export function proposeChild(table: TableSchema, deleting: ReadonlySet<string>): Proposal | undefined {
  const keys = table.foreignKeys.filter(
    (key) => key.references !== table.name && deleting.has(key.references),
  );
  if (keys.length === 0) return undefined;
  const owners = keys.filter((key) => !isRole(table, key)).map((key) => ownerLink(table, key));
  const roles = keys.filter((key) => isRole(table, key)).map((key) => releasing(table, key));
  const selves = owners.some(({ erase }) => erase === 'delete') ? selfLinks(table) : [];
  const links = [...owners, ...roles, ...selves];
  const [only] = links;
  const rule = links.length === 1 && only !== undefined ? only : { links };
  return {
    table,
    rule: { ...rule, ...numbersOf(table) },
    remarks: [...looksOf(table), ...ownersRemark(keys), ...lawRemark(table)],
  };
}

/** True when rows of the table may be deleted by what is proposed. */
export function isDeleting({ rule }: Proposal): boolean {
  const links = Array.isArray(rule['links']) ? (rule['links'] as readonly Yaml[]) : [];
  return [rule, ...links].some((each) => isRule(each) && each['erase'] === 'delete');
}

function isRule(value: Yaml): value is { readonly [key: string]: Yaml } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What the database makes itself: full-text indexes that have their text elsewhere or beside them, samples of ANALYZE. */
export function proposeIndex(table: TableSchema): Proposal | undefined {
  const { virtual, name } = table;
  if (/^sqlite_stat[234]$/.test(name))
    return { table, rule: { rebuild: true }, remarks: ['samples that ANALYZE takes'] };
  if (virtual?.content !== 'own' && virtual?.content !== 'external') return undefined;
  return {
    table,
    rule: { rebuild: true },
    remarks: [`a full-text index (${virtual.module}), built again from its text`],
  };
}

/** Half sentences about the columns that look personal. */
export function looksOf(table: TableSchema): readonly string[] {
  const found = personalColumns(table).map(({ column, reason }) => `${column} (${reason})`);
  return found.length === 0 ? [] : [`looks personal: ${found.join(', ')}`];
}

/** A foreign key as a link. */
export function linkOf(key: ForeignKey): { readonly [key: string]: Yaml } {
  return Object.fromEntries(
    key.columns.map((column, at) => [
      column,
      joinReference({ table: key.references, column: key.referenced[at] ?? column }),
    ]),
  );
}

type LinkProposal = { readonly [key: string]: Yaml };

/** The database's own `ON DELETE SET NULL` says that the row is not the subject's; what is personal in it still goes. */
function ownerLink(table: TableSchema, key: ForeignKey): LinkProposal {
  const nulls = nullable(table, key.columns);
  if (key.onDelete !== 'set null' || nulls.length === 0) return { link: linkOf(key), erase: 'delete' };
  const personal = personalColumns(table).filter(({ isLikely }) => isLikely);
  const values = personal.flatMap(({ column }) => {
    const value = emptied(
      table,
      table.columns.find(({ name }) => name === column),
    );
    return value === undefined ? [] : [[column, value] as const];
  });
  const set = Object.fromEntries([...nulls.map((column) => [column, null] as const), ...values]);
  return { link: linkOf(key), erase: { set } };
}

/** What can take the place of a personal value; undefined when nothing simple can. */
function emptied(table: TableSchema, column: ColumnSchema | undefined): Yaml | undefined {
  if (column === undefined || column.generated) return undefined;
  if (nullable(table, [column.name]).length > 0) return null;
  if (table.foreignKeys.some(({ columns }) => columns.includes(column.name))) return undefined;
  const pseudonym = pseudonymFor(column);
  return pseudonym !== undefined && pseudonym.most >= PSEUDONYM_LENGTH ? { pseudonym: true } : undefined;
}

/** `approved_by`: somebody did something with a row that is another's. */
function isRole(table: TableSchema, key: ForeignKey): boolean {
  return (
    key.columns.some((column) => /(_by|By)(_id|Id)?$/.test(column)) && nullable(table, key.columns).length > 0
  );
}

function releasing(table: TableSchema, key: ForeignKey): LinkProposal {
  const set = Object.fromEntries(nullable(table, key.columns).map((column) => [column, null]));
  return { link: linkOf(key), erase: { set }, follow: false };
}

function selfLinks(table: TableSchema): readonly LinkProposal[] {
  const keys = table.foreignKeys.filter(({ references }) => references === table.name);
  return keys.map((key) => selfLinkOf(table, key));
}

/** Rows that point at a deleted row of their own table let go of it, or go with it where they cannot. */
function selfLinkOf(table: TableSchema, key: ForeignKey): LinkProposal {
  if (key.onDelete === 'cascade' || nullable(table, key.columns).length === 0) {
    return { link: linkOf(key), erase: 'delete' };
  }
  return releasing(table, key);
}

function selfRemark(links: readonly unknown[]): readonly string[] {
  return links.length === 0
    ? []
    : ['points at itself: look at what becomes of other subjects who hang on this one'];
}

/** Those of the columns that can be set to null. */
function nullable(table: TableSchema, columns: readonly string[]): readonly string[] {
  return columns.filter(
    (column) =>
      !table.primaryKey.includes(column) &&
      table.columns.some((each) => each.name === column && each.nullable && !each.generated),
  );
}

function numbersOf(table: TableSchema): { readonly large_objects?: Yaml } {
  const numbers = table.columns.filter(({ type }) => familyOf(type) === 'oid').map(({ name }) => name);
  return numbers.length === 0 ? {} : { large_objects: numbers };
}

function ownersRemark(keys: readonly ForeignKey[]): readonly string[] {
  if (keys.length < 2) return [];
  return [`several owners (${keys.map(({ columns }) => columns.join('+')).join(', ')}): decide for each`];
}

/** Tables that the law often wants kept. */
function lawRemark(table: TableSchema): readonly string[] {
  if (!/invoice|payment|receipt|tax|booking|accounting|ledger|contract|payroll/i.test(bareName(table.name)))
    return [];
  return ['the law may want these kept: keep: { because: tax law, until: 7y, set: { … } }'];
}
