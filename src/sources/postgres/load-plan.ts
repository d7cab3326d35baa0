/** From the streams and statements of a dump to the steps of a restore: what each one touches. Pure decisions. */
import type { StoredStream } from '../source.ts';
import type { LoadPlace } from './load-errors.ts';
import { keyOfName } from './load-names.ts';
import type { Partitions } from './load-partitions.ts';
import type { Settings } from './load-session.ts';
import type { Statement } from './load-statement.ts';
import type { PlacedStatement } from './load-survey.ts';
import type { Step, Touch } from './schedule.ts';

/** The rows of one table. */
export interface TableStep extends Step {
  readonly kind: 'table';
  readonly stream: StoredStream;
  readonly key: string | undefined;
}

/** A stream of the data section that is SQL: sequences, large objects. */
export interface ScriptStep extends Step {
  readonly kind: 'script';
  readonly stream: StoredStream;
}

/** One statement of the post-data. */
export interface StatementStep extends Step {
  readonly kind: 'statement';
  readonly sql: Buffer;
  readonly place: LoadPlace;
  readonly settings: Settings;
}

export type LoadStep = TableStep | ScriptStep | StatementStep;

/** A thing that stands for the rows of all tables: steps that load them write it, steps that need them all read it. */
const ALL_ROWS = 'all rows';

/** Cost of work on a table, as part of the cost of loading its rows (measured with text-heavy tables of 100 MB and more). */
const INDEX_COST = 0.2;
const FOREIGN_KEY_COST = 0.3;

/** Steps for the data streams, in the order of the dump. */
export function dataSteps(streams: readonly StoredStream[]): readonly LoadStep[] {
  return streams.map((stream) => {
    const weight = stream.bytes + 1;
    if (stream.dialect !== 'pg-copy') return scriptStep(stream, weight);
    const key = stream.table === undefined ? undefined : keyOfName(stream.table.name);
    const touches: Step['touches'] =
      key === undefined ? 'everything' : [alone(key), { thing: ALL_ROWS, mode: 'write' }];
    return { kind: 'table', name: `rows of ${stream.name}`, stream, key, touches, weight };
  });
}

/** Sequences take their values when all rows are there; large objects share nothing with tables. */
function scriptStep(stream: StoredStream, weight: number): ScriptStep {
  const touches: Readonly<Record<string, readonly Touch[]>> = {
    sequences: [alone('sequences'), { thing: ALL_ROWS, mode: 'read' }],
    'large-objects': [alone('large objects'), { thing: ALL_ROWS, mode: 'write' }],
  };
  const kind = stream.name.replace(/#\d+$/, '');
  return { kind: 'script', name: stream.name, stream, touches: touches[kind] ?? 'everything', weight };
}

/** Makes steps of post-data statements; give it all of them, in order: it remembers which index is on which table. */
export class StatementSteps {
  readonly #partitions: Partitions;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #tableOfIndex = new Map<string, string>();

  /** @param sizes - bytes of rows by key of the table */
  constructor(partitions: Partitions, sizes: ReadonlyMap<string, number>) {
    this.#partitions = partitions;
    this.#sizes = sizes;
  }

  make({ sql, place, statement }: PlacedStatement, settings: Settings): StatementStep {
    if (statement.kind === 'index' || statement.kind === 'key') {
      this.#tableOfIndex.set(statement.index, statement.table);
    }
    const name = `${place.stream}, line ${place.line}`;
    const touches = this.#touches(statement) ?? 'everything';
    return { kind: 'statement', name, sql, place, settings, touches, weight: this.#weight(statement) };
  }

  #touches(statement: Statement): readonly Touch[] | undefined {
    switch (statement.kind) {
      case 'index':
        return [{ thing: statement.table, mode: 'read' }, ...this.#called(statement.calls)];
      case 'key':
        return [alone(statement.table), ...this.#called(statement.calls)];
      case 'foreign-key': {
        // It locks and checks every partition of both tables.
        const all = this.#partitions;
        const both = [...all.family(statement.table), ...all.family(statement.references)];
        return [...new Set(both)].map(alone);
      }
      case 'attach-index':
        return this.#ofIndexes(statement.parent, statement.child);
      case 'comment-on-index':
        return this.#ofIndexes(statement.index);
      case 'table-option':
      case 'comment-on-constraint':
        return [alone(statement.table)];
      default:
        return undefined;
    }
  }

  /** A function of the user in an index may read any table. */
  #called(calls: boolean): readonly Touch[] {
    return calls ? [{ thing: ALL_ROWS, mode: 'read' }] : [];
  }

  #ofIndexes(...indexes: readonly string[]): readonly Touch[] | undefined {
    const tables = indexes.map((index) => this.#tableOfIndex.get(index));
    return tables.every((table) => table !== undefined) ? tables.map(alone) : undefined;
  }

  #weight(statement: Statement): number {
    if (statement.kind === 'index' || statement.kind === 'key')
      return 1 + INDEX_COST * this.#size(statement.table);
    if (statement.kind !== 'foreign-key') return 1;
    const rows = this.#partitions.family(statement.table).reduce((sum, table) => sum + this.#size(table), 0);
    return 1 + FOREIGN_KEY_COST * rows;
  }

  #size(table: string): number {
    return this.#sizes.get(table) ?? 0;
  }
}

function alone(thing: string): Touch {
  return { thing, mode: 'alone' };
}
