/** From the streams and statements of a dump to the steps of a restore: what each one touches. Pure decisions. */
import type { StoredStream } from '../source.ts';
import type { LoadPlace } from './load-errors.ts';
import { keyOfName } from './load-names.ts';
import type { Partitions } from './load-partitions.ts';
import type { Made } from './load-resume.ts';
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
  /** What it makes, where it touches only tables that are complete: a run that goes on looks for it. */
  readonly made: Made | undefined;
}

export type LoadStep = TableStep | ScriptStep | StatementStep;

/** A thing that stands for the rows of all tables: steps that load them write it, steps that need them all read it. */
const ALL_ROWS = 'all rows';

/** What a table holds: what its steps cost follows from it. */
export interface TableSize {
  readonly bytes: number;
  readonly rows: number;
}

/**
 * Costs in the time that the server takes for a byte of COPY (measured: a row costs as much as 40 of its bytes; an index
 * and the check of a foreign key cost by the row, and little by the byte).
 */
const COPY_ROW = 40;
const INDEX_ROW = 35;
const FOREIGN_KEY_ROW = 45;
const SCAN_BYTE = 0.05;

/** Steps for the data streams, in the order of the dump. */
export function dataSteps(streams: readonly StoredStream[]): readonly LoadStep[] {
  return streams.map((stream) => {
    const weight = 1 + stream.bytes + COPY_ROW * stream.rows;
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
  readonly #sizes: ReadonlyMap<string, TableSize>;
  readonly #tableOfIndex = new Map<string, string>();

  /** @param sizes - by key of the table */
  constructor(partitions: Partitions, sizes: ReadonlyMap<string, TableSize>) {
    this.#partitions = partitions;
    this.#sizes = sizes;
  }

  make({ sql, place, statement }: PlacedStatement, settings: Settings): StatementStep {
    if (statement.kind === 'index' || statement.kind === 'key') {
      this.#tableOfIndex.set(statement.index, statement.table);
    }
    const name = `${place.stream}, line ${place.line}`;
    const touches = this.#touches(statement) ?? 'everything';
    const made = madeBy(statement);
    return { kind: 'statement', name, sql, place, settings, touches, made, weight: this.#weight(statement) };
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
      return this.#scan([statement.table], INDEX_ROW);
    if (statement.kind !== 'foreign-key') return 1;
    return this.#scan(this.#partitions.family(statement.table), FOREIGN_KEY_ROW);
  }

  #scan(tables: readonly string[], perRow: number): number {
    const sizes = tables.map((table) => this.#sizes.get(table) ?? { bytes: 0, rows: 0 });
    return sizes.reduce((sum, { bytes, rows }) => sum + SCAN_BYTE * bytes + perRow * rows, 1);
  }
}

function madeBy(statement: Statement): Made | undefined {
  if (statement.kind === 'index' || statement.kind === 'key') return { index: statement.index };
  if (statement.kind !== 'foreign-key') return undefined;
  return { constraint: statement.constraint, table: statement.table };
}

function alone(thing: string): Touch {
  return { thing, mode: 'alone' };
}
