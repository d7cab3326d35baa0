/** COPY blocks of pg_dump: their header, and where their rows end (PostgreSQL docs, COPY, "Text Format"). */
import { cutInTable, unplaceable, type Place } from './errors.ts';
import { isCopy } from './sql.ts';

/** The table and columns that a COPY header names. */
export interface CopyHeader {
  /** Qualified and quoted as pg_dump writes it: `public."Odd Name"`. */
  readonly table: string;
  /** Unquoted. */
  readonly columns: readonly string[];
}

// In latin1 view: every byte above ASCII is a letter of a name.
const NAME = /"(?:[^"]|"")+"|[a-z_\x80-\xff][a-z0-9_$\x80-\xff]*/.source;
const HEADER = new RegExp(
  `^COPY ((?:${NAME})(?:\\.(?:${NAME}))?) (?:\\(((?:${NAME})(?:, (?:${NAME}))*)\\))?\\s*FROM stdin;$`,
);
const NAMES = new RegExp(NAME, 'g');

/**
 * Reads the header of a COPY block: `COPY s.t (a, "B") FROM stdin;`, or `COPY s.t  FROM stdin;` for a table
 * without columns.
 * @returns undefined when the statement is not COPY at all
 * @throws HoldfastError SQL_UNPLACEABLE for any other form of COPY
 */
export function readCopyHeader(statement: Buffer, place: Place): CopyHeader | undefined {
  if (!isCopy(statement)) return undefined;
  const match = HEADER.exec(statement.toString('latin1'));
  const table = match?.[1];
  if (table === undefined) throw unplaceable(place, 'a form of COPY that pg_dump does not write');
  return {
    table: utf8(table),
    columns: (match?.[2]?.match(NAMES) ?? []).map((name) => utf8(unquoted(name))),
  };
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}

const LF = 0x0a;
const END = Buffer.from('\\.\n');

/**
 * Finds the line `\.` that ends the rows, fed in pieces. A backslash inside a row is always followed by
 * another character of its escape, so no row is or begins with `\.`.
 */
export class RowsEnd {
  /** The last three bytes so far; the header's line end stands before the first row. */
  #tail = Buffer.from('\n');

  /** The position in the piece behind the end of the rows, or -1 when the rows go on after this piece. */
  find(piece: Buffer): number {
    const across = this.#acrossPieces(piece);
    if (across !== -1) return across;
    for (let at = piece.indexOf(END); at !== -1; at = piece.indexOf(END, at + 1)) {
      if (at > 0 && piece[at - 1] === LF) return at + END.length;
    }
    this.#tail = Buffer.from(piece.length >= 3 ? piece.subarray(-3) : joined(this.#tail, piece).subarray(-3));
    return -1;
  }

  #acrossPieces(piece: Buffer): number {
    const seam = joined(this.#tail, piece.subarray(0, 3));
    const at = seam.indexOf('\n\\.\n');
    return at === -1 ? -1 : at + 1 + END.length - this.#tail.length;
  }
}

function joined(a: Buffer, b: Buffer): Buffer {
  return Buffer.concat([a, b]);
}

/** The error for rows that never ended. */
export function rowsCut(header: CopyHeader): Error {
  return cutInTable(header.table);
}
