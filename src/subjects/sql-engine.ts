/** What differs between the engines in the erasure as SQL: everything else is in `sql-plan.ts` and `sql.ts`. */
import type { JsonStep } from '../rows/json-path.ts';
import type { TableSchema } from '../sources/schema.ts';
import type { Comparison } from './compare.ts';

/** A table of the erasure: one that stores rows, or a partitioned one for all its partitions. */
export interface SqlTable {
  /** From 1; temporary tables carry it in their names. */
  readonly number: number;
  /** As people know it. */
  readonly name: string;
  /** Of any of the partitions. */
  readonly schema: TableSchema;
  /** For FROM, UPDATE and DELETE. */
  readonly reference: string;
  /** The columns that identify a row. */
  readonly ids: readonly string[];
  /** What identifies a row where no columns do, one for each of `ids`. */
  readonly idSql?: (alias: string) => readonly string[];
}

/** One side of a comparison. */
export interface Side {
  /** The column with its table, or what stands for a value inside JSON. */
  readonly sql: string;
  /** Its type, or `JSON_VALUE`. */
  readonly type: string;
  /** The other side's type. */
  readonly against: string;
  readonly comparison: Comparison;
}

/** What is known without looking, to compare a column with. */
export interface Known {
  /** For VALUES. */
  readonly text: string;
  /** What `column` (of those VALUES) is compared as, with `side` of the column against this type. */
  readonly sql: (column: string) => string;
  readonly type: string;
}

/** A link between tables that lead to each other in a circle. */
export interface LoopLink {
  readonly from: SqlTable;
  readonly into: SqlTable;
  readonly number: number;
  /** The links by which a row of `from` must have come in to lead on; undefined for any. */
  readonly followed?: readonly number[];
  /** Adds the rows that all of `from` lead to. */
  readonly insert: string;
  /** The same as a condition on a row `u` of `from` and a row `t` of `into`. */
  readonly each: string;
}

export interface SqlEngine {
  readonly begin: readonly string[];
  /** A temporary table's whole name. */
  readonly temp: (name: string) => string;
  readonly reference: (name: string, isPartitioned: boolean) => string;
  readonly ids: (table: TableSchema, isPartitioned: boolean) => readonly string[];
  /** See `SqlTable.idSql`. */
  readonly idSql?: (table: TableSchema) => SqlTable['idSql'];
  /** A temporary table for ids of rows (`r1`, `r2`, …), each with the number of a link. */
  readonly createRows: (table: SqlTable) => string;
  /** A temporary table of rows of `table` from a query of their ids. */
  readonly createAs: (table: SqlTable, name: string, query: string) => string;
  /** Adds what is not there yet. */
  readonly insertNew: (into: string, query: string) => string;
  /** A query of these tuples, in columns `column1`, `column2`, …; `VALUES` where it is not given. */
  readonly values?: (tuples: readonly (readonly string[])[]) => string;
  /** Such that equal values (see `compare.ts`) are equal in SQL. */
  readonly side: (side: Side) => string;
  /** Undefined when no value of such a column can be equal to it. */
  readonly known: (value: string, type: string, comparison: Comparison) => Known | undefined;
  /** The column's text as a dump has it. */
  readonly text: (sql: string, type: string) => string;
  /** True when it holds for any value at the path; `holds` is given what stands for the value. */
  readonly json: (column: string, path: readonly JsonStep[], holds: (value: string) => string) => string;
  /** Adds rows until no link adds any. */
  readonly loop: (links: readonly LoopLink[], number: number) => readonly string[];
  /** Undoes everything, with this message, when `count` (a query of one number) is not 0. */
  readonly refuse: (number: number, count: string, message: string) => readonly string[];
  readonly constant: (value: string, type: string) => string;
  /** SQL that makes another text for each row. */
  readonly pseudonym: (type: string) => string;
  /** Removes these large objects, given as a query of their numbers. */
  readonly unlink: (numbers: string) => string;
  /** The words before the table in an UPDATE. */
  readonly update: string;
  /** Sets columns of the rows `t` that `setName` lists as `s`, where that is not UPDATE … FROM. */
  readonly change?: (
    table: SqlTable,
    sets: readonly (readonly [column: string, value: string])[],
  ) => readonly string[];
  /** Rows are known by their values, so that those which go must go before others get the same. */
  readonly deletesFirst?: true;
  /** The last statements, where that is more than the command. */
  readonly end?: (command: 'COMMIT' | 'ROLLBACK') => readonly string[];
  /** Deletes the rows that `goneName` lists, of all these tables. */
  readonly deleteAll: (tables: readonly SqlTable[]) => readonly string[];
}

/** The temporary tables of one table. */
export const rowsName = ({ number }: SqlTable): string => `holdfast_${number}_rows`;
export const goneName = ({ number }: SqlTable): string => `holdfast_${number}_gone`;
export const setName = ({ number }: SqlTable): string => `holdfast_${number}_set`;

/** The ids of a row in a temporary table: `r1`, `r2`, … */
export function idColumns({ ids }: SqlTable): readonly string[] {
  return ids.map((_, index) => `r${index + 1}`);
}

/** Narrows rows `r` of a temporary table to those that lead on. */
export function leadsOn(followed: readonly number[] | undefined): string {
  if (followed === undefined) return '';
  return followed.length === 0 ? ' AND 1 = 0' : ` AND r.link IN (${followed.join(', ')})`;
}

/** True when the row `alias` of a table is the one of `temporary`. */
export function sameRow(table: SqlTable, alias: string, temporary: string): string {
  return idsOf(table, alias)
    .map((id, index) => `${id} = ${temporary}.r${index + 1}`)
    .join(' AND ');
}

/** What identifies the row `alias`. */
export function idsOf(table: SqlTable, alias: string): readonly string[] {
  return table.idSql?.(alias) ?? table.ids.map((id) => `${alias}.${id}`);
}
