/**
 * What a search asks about the rows of a dump, and the answers of one reading. A dump goes by once and its children
 * come before their parents, so what is asked after a reading is answered by the next one.
 */
import type { Value } from '../rows/values.ts';
import { matches } from '../subjects/access.ts';
import type { Hit, Query, ReadColumn, TableAccess } from '../subjects/access.ts';
import { columnsOf } from '../subjects/relations.ts';

/** Of one table. */
export interface TableQuestions {
  /** By what they compare, with all keys that were ever asked for. */
  readonly queries: Map<string, { readonly match: Query['match']; readonly keys: Set<string> }>;
  /** Columns of which values are wanted, and those that the queries compare. */
  readonly columns: Set<string>;
}

export class Questions {
  readonly #tables = new Map<string, TableQuestions>();

  of(table: string): TableQuestions | undefined {
    return this.#tables.get(table);
  }

  ask(table: string, queries: readonly Query[], need: readonly string[]): void {
    const known: TableQuestions = this.#tables.get(table) ?? { queries: new Map(), columns: new Set() };
    this.#tables.set(table, known);
    for (const column of columnsFor(queries, need)) known.columns.add(column);
    for (const { match, keys } of queries) {
      const name = nameOf(match);
      const one = known.queries.get(name) ?? { match, keys: new Set<string>() };
      known.queries.set(name, one);
      for (const key of keys) one.keys.add(key);
    }
  }

  /** True when all of this was asked. */
  has(table: string, queries: readonly Query[], need: readonly string[]): boolean {
    const known = this.#tables.get(table);
    if (known === undefined) return false;
    if (!columnsFor(queries, need).every((column) => known.columns.has(column))) return false;
    return queries.every(({ match, keys }) => {
      const asked = known.queries.get(nameOf(match))?.keys;
      return [...keys].every((key) => asked?.has(key) === true);
    });
  }

  /** A copy: what a reading answers is settled when it begins. */
  copy(): Questions {
    const copy = new Questions();
    for (const [name, { queries, columns }] of this.#tables) {
      const all = [...queries].map(
        ([key, { match, keys }]) => [key, { match, keys: new Set(keys) }] as const,
      );
      copy.#tables.set(name, { queries: new Map(all), columns: new Set(columns) });
    }
    return copy;
  }
}

function columnsFor(queries: readonly Query[], need: readonly string[]): readonly string[] {
  return [...need, ...queries.flatMap(({ match }) => columnsOf(match))];
}

function nameOf(match: Query['match']): string {
  return JSON.stringify(match, (_, value: unknown) => (value instanceof Map ? [...value] : value));
}

/** A row that answers a question. */
export interface Answer {
  /** Among the rows of its table. */
  readonly row: string;
  readonly values: ReadonlyMap<string, Value>;
}

/** The rows of one reading, as a search asks for them. */
export class Answers implements TableAccess {
  readonly #asked: Questions;
  readonly #next: Questions;
  readonly #rows = new Map<string, Answer[]>();
  #isComplete = true;

  /**
   * @param asked - what the reading answers
   * @param next - takes what was not
   */
  constructor(asked: Questions, next: Questions) {
    this.#asked = asked;
    this.#next = next;
  }

  /** False when something was asked that this reading did not look for: then what was found may lack rows. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  add(table: string, answer: Answer): void {
    const rows = this.#rows.get(table) ?? [];
    rows.push(answer);
    this.#rows.set(table, rows);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- others read segments for this
  async *find(table: string, queries: readonly Query[], need: readonly string[]): AsyncGenerator<Hit> {
    this.#next.ask(table, queries, need);
    if (!this.#asked.has(table, queries, need)) {
      this.#isComplete = false;
      return;
    }
    for (const { row, values } of this.#rows.get(table) ?? []) {
      const read: ReadColumn = (column) => values.get(column) ?? null;
      const hits = queries.flatMap((query, place) => (matches(query, read, table) ? [place] : []));
      if (hits.length > 0) yield { row, hits, values: need.map(read) };
    }
  }
}
