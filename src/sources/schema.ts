/**
 * What a purge has to know about the tables of a dump, and cannot learn from the dump's text in one pass: keys
 * and foreign keys are declared after the data there, and partitions only by statements.
 *
 * It is read in the same snapshot as the rows, is plain JSON, and goes sealed into the manifest: it names tables
 * and columns, which no public object of a store may do.
 */
export interface Schema {
  readonly tables: readonly TableSchema[];
  /** PostgreSQL: true when the database has large objects, which belong to no table. */
  readonly largeObjects?: true;
}

export interface TableSchema {
  /** Written as `TableInfo.name`: qualified, and quoted where needed. */
  readonly name: string;
  /** All of them in their order, generated ones too (which a dump may leave out). */
  readonly columns: readonly ColumnSchema[];
  /** Columns of the primary key, in the key's order; empty when there is none. */
  readonly primaryKey: readonly string[];
  /** Columns of each further unique key; those that hold for a part of the rows only are left out. */
  readonly uniques: readonly (readonly string[])[];
  readonly foreignKeys: readonly ForeignKey[];
  /** A partition's root table (not the table between): rows lie in the leaves, keys are declared on the root. */
  readonly partitionOf?: string;
  /** True for a table that holds no rows of its own: the root of partitions, or a level between. */
  readonly partitioned?: true;
  /** Tables that this one inherits from, which is not partitioning: each holds rows. */
  readonly parents?: readonly string[];
  /** SQLite: the virtual table (full-text index and the like) for which this table keeps the data. */
  readonly shadowOf?: string;
  /** SQLite: set for a virtual table, which has no rows of its own in a dump. */
  readonly virtual?: VirtualTable;
  /** SQLite: how the dump's rows call their rowid, where no column holds it; it comes first in them. */
  readonly rowid?: string;
}

export interface VirtualTable {
  /** In lower case: `fts5`, `rtree`. */
  readonly module: string;
  /**
   * Where a full-text index has its text from: its own shadow table `…_content`, another table, or nowhere (it was
   * not kept). Absent for other modules.
   */
  readonly content?: 'own' | 'external' | 'none';
}

export interface ColumnSchema {
  /** Without quotes. */
  readonly name: string;
  /** As the engine writes it: `character varying(80)`, `public.mood`, `INTEGER`; empty where SQLite has none. */
  readonly type: string;
  readonly nullable: boolean;
  /** Computed by the engine from other columns: never set, and never the place to erase. */
  readonly generated: boolean;
  /** MySQL: how text is compared there: `utf8mb4_general_ci`. */
  readonly collation?: string;
}

/** The type and, where that is part of how values are compared, the collation: `varchar(80) COLLATE utf8mb4_bin`. */
export function fullType({ type, collation }: Pick<ColumnSchema, 'type' | 'collation'>): string {
  return collation === undefined ? type : `${type} COLLATE ${collation}`;
}

/** What happens to the row when the row it points at is deleted. */
export type OnDelete = 'no action' | 'restrict' | 'cascade' | 'set null' | 'set default';

export interface ForeignKey {
  /** The constraint's name; SQLite has none, so it is made of table and columns: `orders(user_id)`. */
  readonly name: string;
  readonly columns: readonly string[];
  /** The table that it points at, written as `TableInfo.name`. */
  readonly references: string;
  /** The columns there, in the order of `columns`. */
  readonly referenced: readonly string[];
  readonly onDelete: OnDelete;
}

/** The tables whose rows a name stands for: itself, or the leaves of a partitioned table. */
export function storedTables(schema: Schema, name: string): readonly TableSchema[] {
  return schema.tables.filter(
    (table) => holdsRows(table) && (table.name === name || table.partitionOf === name),
  );
}

/** False for what has no rows of its own in a dump: partitioned and virtual tables. */
export function holdsRows(table: TableSchema): boolean {
  return table.partitioned !== true && table.virtual === undefined;
}
