/** What a purge does with the rows of one stream of a dump, whatever dialect they are written in. */
import type { KeyFilter } from './key-filter.ts';
import type { Value } from './values.ts';

/** A line of a piece, or several where names contain line ends: `piece[start, end)`, the line end included. */
export interface RowPlace {
  readonly start: number;
  readonly end: number;
  /** False for the header and the end line of a COPY block. */
  readonly isRow: boolean;
}

/** Where a value stands, as the dialect writes it: `row[start, end)`. */
export interface FieldPlace {
  readonly start: number;
  readonly end: number;
}

/** Which rows and columns `scan` gives. */
export interface RowQuery {
  /** Positions in `columns`. */
  readonly wanted: readonly number[];
  /** Only rows whose column at `position` has one of these values; NULL is none of them. */
  readonly only?: { readonly position: number; readonly keys: KeyFilter };
}

/** The values of `wanted` in its order, in an array of their own; the row is `piece[start, end)`. */
export type RowVisitor = (values: Value[], start: number, end: number) => void;

/**
 * Reads and edits rows. Everything fails closed: bytes that the stream's writer does not write are refused with
 * table, column and byte. What is not asked for is not looked at, except by `edit`, which checks the whole row.
 *
 * Pieces end on row ends: whoever reads segments joins those of a row longer than a segment first.
 */
export interface RowCodec {
  /** Of the stream, in row order. */
  readonly columns: readonly string[];

  /**
   * Splits a piece of the stream into its rows, without looking into them.
   * @param isFirst - the piece begins the stream. The header of a COPY block can only be known by its place: a row
   *   of a table with one text column may have the same bytes
   * @throws HoldfastError ROW_UNREADABLE, and those of the lexer for a header
   */
  rows(piece: Buffer, isFirst: boolean): Iterable<RowPlace>;

  /**
   * The rows of a piece as `rows` and `read` give them, but several times as fast.
   * @throws HoldfastError ROW_UNREADABLE
   */
  scan(piece: Buffer, isFirst: boolean, query: RowQuery, visit: RowVisitor): void;

  /**
   * Decodes the columns at these positions of one row (its line end included).
   * @throws HoldfastError ROW_UNREADABLE
   */
  read(row: Buffer, wanted: readonly number[]): Value[];

  /**
   * Where the values of one row (its line end included) stand in it, one for each column.
   * @throws HoldfastError ROW_UNREADABLE
   */
  fields(row: Buffer): readonly FieldPlace[];

  /**
   * The same row with these columns replaced, by position; every other byte as it was. A value that the column
   * has already leaves its bytes alone.
   * @throws HoldfastError ROW_UNREADABLE; ROW_UNWRITABLE for a value that the column cannot hold
   */
  edit(row: Buffer, changes: ReadonlyMap<number, Value>): Buffer;

  /** The row without what only its place in the stream gives it; absent where nothing does. */
  bare?(row: Buffer): Buffer;

  /**
   * The rows of a piece as they must stand in it when others have been left out; absent where none depends on another.
   * @param rows - what is left, in order
   */
  rejoin?(rows: readonly Buffer[]): readonly Buffer[];
}
