/**
 * Leaving people out of a backup (`on_purged: filter`), on a host that can open nothing.
 *
 * Whose rows they are is a matter of links, and children come before their parents. So a dump is read, and what the
 * search asks of it is answered by the next dump, until nothing new is asked. Then rows are left out while a dump is
 * recorded; and that one counts only if the search over **its own** rows, which is complete then, says of every row
 * what was done with it. What changes in the database meanwhile costs another reading, never a row.
 */
import { randomBytes } from 'node:crypto';
import { codecOptions } from '../rows/codec.ts';
import type { Schema } from '../sources/schema.ts';
import type { SourceInfo } from '../sources/source.ts';
import { closure } from '../subjects/closure.ts';
import type { Closure, Subject } from '../subjects/closure.ts';
import type { Engine } from '../subjects/compare.ts';
import { describeProblem } from '../subjects/integrity.ts';
import type { SubjectMap } from '../subjects/map.ts';
import { mapFor } from '../subjects/narrow.ts';
import type { Outcome } from '../subjects/outcome.ts';
import { FilteredDump } from './filtered-dump.ts';
import { Questions } from './questions.ts';

/** Links are seldom followed further than this; a database that changes faster than it is read is none to wait for. */
const READINGS_MAX = 16;

/** What one reading was, judged at its end. */
export type Verdict =
  /** Nobody who was erased is in what was given. */
  | { readonly kind: 'clean'; readonly deleted: number; readonly changed: number }
  /** Another reading is needed. */
  | { readonly kind: 'again' }
  | { readonly kind: 'impossible'; readonly reason: string };

/** What is known of the people in a database, over several readings of it. */
export class DumpFilter {
  readonly map: SubjectMap;
  readonly #engine: Engine;
  readonly #pseudonyms = randomBytes(32);
  readonly #questions = new Questions();
  /** What is done with rows that have these bytes: two rows that are the same have the same links. */
  #decisions: ReadonlyMap<string, Outcome> = new Map();
  #readings = 0;
  #knowsAll = true;

  constructor(map: SubjectMap, engine: Engine) {
    this.map = map;
    this.#engine = engine;
  }

  /** False when the next reading can only ask: recording it would be in vain. */
  get knowsAll(): boolean {
    return this.#knowsAll;
  }

  /** Begins a reading. */
  begin(schema: Schema, info: Pick<SourceInfo, 'facts'>): FilteredDump {
    return new FilteredDump({
      schema,
      codecs: codecOptions(info),
      asked: this.#questions.copy(),
      next: this.#questions,
      decisions: this.#decisions,
      pseudonyms: this.#pseudonyms,
    });
  }

  /**
   * Judges a reading that has come to its end.
   * @param people - who was seen in it, by the key of the map's root
   * @throws HoldfastError SUBJECTS_UNCOVERED, SUBJECTS_COLUMN, JSON_INVALID
   */
  async judge(dump: FilteredDump, people: readonly Subject[], signal: AbortSignal): Promise<Verdict> {
    const { schema, answers } = dump;
    const map = mapFor(this.map, schema);
    const engine = this.#engine;
    const found = await closure({ map, schema, engine, subjects: people, access: answers, signal });
    this.#readings++;
    this.#knowsAll = answers.isComplete;
    if (answers.isComplete) {
      const reason = whatHinders(found, map);
      if (reason !== undefined) return { kind: 'impossible', reason };
      if (this.#decide(dump, found)) return { kind: 'clean', ...countsOf(found) };
    }
    if (this.#readings < READINGS_MAX) return { kind: 'again' };
    return { kind: 'impossible', reason: 'the database changes faster than it can be read' };
  }

  /**
   * Decides what is done with each row from now on.
   * @returns true when just that was done in this reading
   */
  #decide({ rows }: FilteredDump, { affected }: Closure): boolean {
    const decisions = new Map<string, Outcome>();
    let isDone = true;
    for (const { table, row, bytes, outcome } of rows) {
      const right = affected.get(table)?.get(row)?.outcome;
      if (right) decisions.set(bytes, right);
      isDone &&= textOf(right) === textOf(outcome);
    }
    this.#decisions = decisions;
    return isDone;
  }
}

/** What keeps rows from being left out while a dump goes by. */
function whatHinders({ problems, largeObjects, affected }: Closure, map: SubjectMap): string | undefined {
  const [problem] = problems;
  if (problem) return describeProblem(problem);
  if (largeObjects.size > 0) return 'large objects belong to their rows';
  const rebuilt = [...map.tables].filter(([, rule]) => rule.kind === 'rebuilt').map(([name]) => name);
  if (affected.size > 0 && rebuilt.length > 0)
    return `the index ${rebuilt.join(', ')} would have to be made again`;
  return undefined;
}

function countsOf({ counts }: Closure): { readonly deleted: number; readonly changed: number } {
  const all = [...counts.values()];
  return {
    deleted: all.reduce((sum, count) => sum + count.delete, 0),
    changed: all.reduce((sum, count) => sum + count.change, 0),
  };
}

/** A row that is kept as it is, is as one of nobody. */
function textOf(outcome: Outcome | undefined): string {
  if (outcome === undefined || (outcome.do === 'keep' && outcome.values.size === 0)) return '';
  return JSON.stringify([outcome.do === 'delete', [...outcome.values]]);
}
