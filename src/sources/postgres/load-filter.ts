/** Which statements of a dump are left out on purpose, with a word about each: pure decisions. */
import type { Partitions } from './load-partitions.ts';
import type { Statement } from './load-statement.ts';

export interface Selection {
  readonly noOwner: boolean;
  /** Keys of the tables whose rows are loaded; all of them when undefined. */
  readonly chosen: ReadonlySet<string> | undefined;
  /** Keys of all tables that have rows in the dump. */
  readonly stored: ReadonlySet<string>;
  readonly partitions: Partitions;
  /** Tablespaces that the target lacks. */
  readonly missingTablespaces: ReadonlySet<string>;
  /** Session variables that the target knows. */
  readonly knownSettings: ReadonlySet<string>;
}

/** Variables that pg_dump sets to be safe; a server that lacks one does not need it. */
const HARMLESS = new Set([
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'transaction_timeout',
  'row_security',
]);

export class StatementFilter {
  readonly #selection: Selection;
  readonly #counts = new Map<string, number>();
  readonly #notes: string[] = [];
  readonly #leftConstraints = new Set<string>();

  constructor(selection: Selection) {
    this.#selection = selection;
  }

  /**
   * What to run for this statement: itself, something in its place, or nothing. Ask once for each statement, in the
   * order of the dump.
   */
  apply(statement: Statement, sql: Buffer): Buffer | undefined {
    if (this.#lacksTablespace(statement)) return Buffer.from("SET default_tablespace = '';");
    return this.#keeps(statement) ? sql : undefined;
  }

  /** What was left out, each a phrase for people. */
  get leftOut(): readonly string[] {
    const { owner = 0, grant = 0, 'default-privileges': defaults = 0 } = Object.fromEntries(this.#counts);
    const all = owner + grant + defaults;
    const owners = `ownership and grants (${owner} owners, ${grant} grants, ${defaults} default privileges)`;
    return all > 0 ? [owners, ...this.#notes] : [...this.#notes];
  }

  #keeps(statement: Statement): boolean {
    switch (statement.kind) {
      case 'owner':
      case 'grant':
      case 'default-privileges':
        return !this.#selection.noOwner || this.#count(statement.kind);
      case 'setting':
        return this.#keepsSetting(statement.variable, statement.value);
      case 'foreign-key':
        return this.#keepsForeignKey(statement);
      case 'comment-on-constraint':
        return !this.#leftConstraints.has(`${statement.table} ${statement.constraint}`);
      case 'refresh':
        return this.#selection.chosen === undefined || this.#note(notFilled(statement.view));
      default:
        return true;
    }
  }

  #keepsSetting(variable: string, value: string): boolean {
    if (variable === 'session authorization') return !this.#selection.noOwner;
    if (this.#selection.knownSettings.has(variable)) return true;
    const isHeap = variable === 'default_table_access_method' && value === 'heap';
    return !HARMLESS.has(variable) && !isHeap;
  }

  #lacksTablespace(statement: Statement): boolean {
    if (statement.kind !== 'setting' || statement.variable !== 'default_tablespace') return false;
    if (!this.#selection.missingTablespaces.has(statement.value)) return false;
    const note = `tablespace ${statement.value}: it is not on the target, the default one was used`;
    if (!this.#notes.includes(note)) this.#notes.push(note);
    return true;
  }

  #keepsForeignKey(key: { table: string; references: string; constraint: string }): boolean {
    const missing = [key.table, key.references].find((table) => !this.#isLoaded(table));
    if (missing === undefined) return true;
    this.#leftConstraints.add(`${key.table} ${key.constraint}`);
    return this.#note(
      `foreign key ${plain(key.constraint)} of ${plain(key.table)}: ${plain(missing)} was not loaded`,
    );
  }

  /** A partitioned table counts as loaded when all its partitions are. */
  #isLoaded(table: string): boolean {
    const { chosen, stored, partitions } = this.#selection;
    if (chosen === undefined) return true;
    return partitions.below(table).every((part) => !stored.has(part) || chosen.has(part));
  }

  #count(kind: string): false {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    return false;
  }

  #note(text: string): false {
    this.#notes.push(text);
    return false;
  }
}

function notFilled(view: string): string {
  return `rows of materialized view ${plain(view)}: run REFRESH MATERIALIZED VIEW ${view} when all its tables are there`;
}

/** A key for people: without the quotes that need not be there. */
function plain(key: string): string {
  return key.replaceAll(/"([a-z_][a-z0-9_]*)"/g, '$1');
}
