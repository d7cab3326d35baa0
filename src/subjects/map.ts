/**
 * A subject map, parsed: what a subject is (a person, a tenant), which rows of which tables are about one, and
 * what an erasure does with them. `parse.ts` makes it of a file, `check.ts` holds it against a schema.
 *
 * **Which rows are a subject's** (the closure): the rows of the root table that were asked for; and every row with
 * a link that holds: its columns equal those of a row that is already in, and `when` is true for it. NULL equals
 * nothing. What happens to a row does not matter for this: the children of a kept invoice are the subject's too.
 * Only a link with `follow: false` ends there: a row that came in by such links alone brings in nobody.
 *
 * **What happens to a row**: the action of the first link in the map's order that holds for it, or the table's own
 * action where the link has none. Rows of the root table that were asked for take the table's own action first. Where
 * the row stays, the columns that further links set are set too.
 */
import type { TableSchema } from '../sources/schema.ts';
import type { CanonicalForm } from './canonical.ts';

export interface SubjectMap {
  /** What one subject is called: `customer`, so that `customer=42` on the command line names one. */
  readonly subject: string;
  readonly root: SubjectRoot;
  /** By the table's name as in `TableInfo.name`; a partitioned table's name stands for its partitions. */
  readonly tables: ReadonlyMap<string, TableRule>;
  /** True when somebody has declared that no large object of the database (PostgreSQL) is about a subject. */
  readonly largeObjectsAreNobodys: boolean;
  /** The file's text, as it was read: it is sealed into manifests. */
  readonly text: string;
  /** Of `text`, in lower-case hex: what plans and receipts cite. */
  readonly sha256: string;
}

export interface SubjectRoot {
  readonly table: string;
  readonly key: readonly string[];
  /** Other columns of the root table by which a subject may be named, with the form in which they are compared. */
  readonly lookup: ReadonlyMap<string, CanonicalForm>;
}

export type TableRule = NoPersonalData | Rebuilt | Linked;

/** Nobody's: never looked at. */
export interface NoPersonalData {
  readonly kind: 'no-personal-data';
  /** Columns that look personal and are not: somebody has looked. */
  readonly notPersonal?: readonly string[];
}

/** Made from other tables by the database itself (a full-text index): made again, never edited. */
export interface Rebuilt {
  readonly kind: 'rebuilt';
}

export interface Linked {
  readonly kind: 'linked';
  /** Empty for a root table that nothing else leads to. */
  readonly links: readonly Link[];
  /** For rows of the root that were asked for, and for links without one of their own. */
  readonly action: Action;
  /** Columns of free text, in which people may be mentioned: looked through by `--scan`. */
  readonly text: readonly string[];
  /** Columns that hold the number of a large object, which goes when the row or the number goes (PostgreSQL). */
  readonly largeObjects: readonly string[];
  /** Columns that older schemas may lack; `mapFor` takes out what needs them. */
  readonly optional: readonly string[];
  /** Columns that stay, look personal and are not: somebody has looked. */
  readonly notPersonal?: readonly string[];
  /** Files: columns of databases that list names of files (`purge/listed`). */
  readonly listed?: readonly Listed[];
}

/** Where a database says which files are about a subject: a column of rows that its own map calls theirs. */
export interface Listed {
  /** Of the configuration. */
  readonly set: string;
  readonly table: string;
  readonly column: string;
  /** What values begin with and paths do not; names without it are no files of this set. */
  readonly strip: string;
  /** What comes before a value, to make a path of it. */
  readonly prefix: string;
}

export type Link = ColumnLink | JsonLink;

interface LinkParts {
  readonly to: { readonly table: string; readonly columns: readonly string[] };
  /** Both sides are brought to this form before they are compared; `exact` unless the map says otherwise. */
  readonly canonical: CanonicalForm;
  /** Holds only for rows where each of these columns has this value (polymorphic references). */
  readonly when: ReadonlyMap<string, Constant>;
  /** Instead of the table's action, for rows that came in by this link. */
  readonly action?: Action;
  /** False: rows that came in by such links alone are not followed any further. */
  readonly follow: boolean;
}

/** The row's columns equal those of a row of another table, or of its own (a self reference). */
export interface ColumnLink extends LinkParts {
  readonly kind: 'columns';
  /** In the order of `to.columns`. */
  readonly columns: readonly string[];
}

/**
 * A value inside a JSON column equals a column of another table; with `[*]`, any of several values. Or, where the path
 * is a pattern of keys (Redis) or of paths (files), what stands at its placeholder.
 */
export interface JsonLink extends LinkParts {
  readonly kind: 'json';
  readonly column: string;
  /** `$.user.id`, `$.items[*].owner`; or `session:{id}:*`; or `./users/{id}/**`. */
  readonly path: string;
}

/** A value as the engine prints it in a dump: `42`, `t`, `User`; null is NULL. */
export type Constant = string | null;

/** What takes a column's place; a pseudonym is made fresh for each row, and keeps unique columns unique. */
export type Replacement = Constant | { readonly pseudonym: true };

export type Action = DeleteAction | SetAction | KeepAction;

export interface DeleteAction {
  readonly do: 'delete';
}

export interface SetAction {
  readonly do: 'set';
  readonly values: ReadonlyMap<string, Replacement>;
}

export interface KeepAction {
  readonly do: 'keep';
  /** The legal basis, for the receipt. */
  readonly because: string;
  /**
   * A date (`2033-12-31`) or a length (`7y`, `90d`) that counts from the day of the plan, since no row that is kept is
   * younger: for plan and receipt (`purge/plan/kept.ts`). This program does not act on it.
   */
  readonly until?: string;
  /** Columns that go although the row stays; empty when it stays as it is. */
  readonly values: ReadonlyMap<string, Replacement>;
}

/**
 * The rule for a table: its own, or that of the table which it is a partition of, or which keeps its data in it;
 * undefined refuses.
 */
export function ruleFor(
  map: Pick<SubjectMap, 'tables'>,
  table: Pick<TableSchema, 'name' | 'partitionOf' | 'shadowOf'>,
): TableRule | undefined {
  const whole = table.partitionOf ?? table.shadowOf;
  const own = map.tables.get(table.name) ?? BUILT_IN.get(table.name);
  return own ?? (whole === undefined ? undefined : map.tables.get(whole));
}

/** Tables of SQLite itself that hold names of tables and counts of rows, and nobody's data. */
const BUILT_IN: ReadonlyMap<string, TableRule> = new Map([
  ['sqlite_sequence', { kind: 'no-personal-data' }],
  ['sqlite_stat1', { kind: 'no-personal-data' }],
]);

/** What happens to a row that came in by this link. */
export function actionOf(rule: Linked, link: Link): Action {
  return link.action ?? rule.action;
}

/** Every action that a row of the table may meet. */
export function actionsOf(rule: Linked): readonly Action[] {
  return [...new Set([rule.action, ...rule.links.flatMap(({ action }) => action ?? [])])];
}

/** The columns that an action gives another value; empty for a deletion. */
export function valuesOf(action: Action): ReadonlyMap<string, Replacement> {
  return action.do === 'delete' ? NOTHING : action.values;
}

const NOTHING: ReadonlyMap<string, Replacement> = new Map();
