/**
 * What of a table is indexed: every comparison that a purge makes with a column of it.
 *
 * An index is used only for exactly the comparison it was made for, so nothing has to be known about the map under
 * which it was made: with another map, what is compared in the same way as before is still found by it.
 */
import type { TextEncoding } from '../rows/sqlite-literals.ts';
import type { Schema, TableSchema } from '../sources/schema.ts';
import type { Dialect, TableInfo } from '../sources/source.ts';
import type { Comparison, Engine } from '../subjects/compare.ts';
import { withFilesRoot } from '../subjects/files-root.ts';
import type { SubjectMap } from '../subjects/map.ts';
import {
  askedFor,
  relationsOf,
  type LinkedTable,
  type Match,
  type Relations,
} from '../subjects/relations.ts';

/** A comparison, without `when`: what the index offers is looked at again by whoever opens the segment. */
export type IndexedMatch =
  | { readonly columns: readonly string[]; readonly comparisons: readonly Comparison[] }
  | { readonly json: string; readonly path: string; readonly comparisons: readonly Comparison[] };

/** What is indexed, by table as in `TableSchema.name`. */
export type IndexedMatches = ReadonlyMap<string, readonly IndexedMatch[]>;

/** All that the thread which seals a segment has to know for indexing it: plain data, sent as JSON. */
export interface StreamPlan {
  readonly dialect: Dialect;
  readonly table: TableInfo;
  readonly schema: TableSchema;
  /** SQLite: the database's encoding. */
  readonly encoding?: TextEncoding;
  readonly matches: readonly IndexedMatch[];
  /** 8 bytes, hex. */
  readonly hashKey: string;
}

/**
 * What a purge may compare: links and ways to name a subject, and foreign keys to rows that may go.
 *
 * @throws HoldfastError SUBJECTS_UNCOVERED, SUBJECTS_COLUMN
 */
export function indexedMatches(map: SubjectMap, schema: Schema, engine: Engine): IndexedMatches {
  const relations = relationsOf(map, withFilesRoot(schema, map, engine), engine);
  const matches = new Map<string, Map<string, IndexedMatch>>();
  const add = (table: string, match: Match) => {
    const indexed = indexedMatch(match);
    const known = matches.get(table) ?? new Map<string, IndexedMatch>();
    matches.set(table, known.set(matchId(indexed), indexed));
  };
  for (const table of relations.tables) {
    for (const { match } of table.links) add(table.name, match);
    for (const match of rootMatches(relations, map, table)) add(table.name, match);
  }
  for (const { table, key, parents, comparisons } of relations.references) {
    const mayGo = parents.some(({ name }) => relations.tables.some((linked) => linked.name === name));
    if (mayGo) add(table.name, { kind: 'columns', columns: key.columns, comparisons, when: new Map() });
  }
  return new Map([...matches].map(([table, known]) => [table, [...known.values()]]));
}

function rootMatches(relations: Relations, map: SubjectMap, table: LinkedTable): readonly Match[] {
  if (!table.isRoot) return [];
  const ways = [map.root.key, ...[...map.root.lookup.keys()].map((column) => [column])];
  return ways.map((by) => askedFor(relations, map, table, by));
}

/** The part of a comparison that decides which rows the index offers. */
export function indexedMatch(match: Match): IndexedMatch {
  const comparisons = match.comparisons.map(({ form, kind }) => ({ form, kind }));
  return match.kind === 'json'
    ? { json: match.column, path: match.path, comparisons }
    : { columns: match.columns, comparisons };
}

/** The same text for the same comparison. */
export function matchId(match: IndexedMatch): string {
  const comparisons = match.comparisons.map(({ form, kind }) => [form, kind]);
  return JSON.stringify(
    'json' in match ? [comparisons, match.json, match.path] : [comparisons, match.columns],
  );
}
