/** One reading of a dump by a host: rows are left out and changed as was decided, and questions are answered. */
import { hash } from 'node:crypto';
import { codecFor } from '../rows/codec.ts';
import type { CodecOptions, RowCodec, Value } from '../rows/codec.ts';
import type { Schema, TableSchema } from '../sources/schema.ts';
import type { DumpStream } from '../sources/source.ts';
import { matches } from '../subjects/access.ts';
import type { Query, ReadColumn } from '../subjects/access.ts';
import type { Outcome } from '../subjects/outcome.ts';
import { makePseudonym } from '../subjects/pseudonym.ts';
import { Answers } from './questions.ts';
import type { Questions } from './questions.ts';
import { WholeRows } from './whole-rows.ts';

export interface FilteredDumpOptions {
  readonly schema: Schema;
  readonly codecs: CodecOptions;
  /** What this reading answers. */
  readonly asked: Questions;
  /** Takes what is asked of it beyond that. */
  readonly next: Questions;
  /** By what `bytesOf` makes of a row. */
  readonly decisions: ReadonlyMap<string, Outcome>;
  readonly pseudonyms: Uint8Array;
}

/** A row that answers a question. */
export interface SeenRow {
  readonly table: string;
  /** Its name among the rows of the table. */
  readonly row: string;
  /** Its hash. */
  readonly bytes: string;
  /** What was done with it. */
  readonly outcome: Outcome | undefined;
}

export class FilteredDump {
  readonly schema: Schema;
  readonly answers: Answers;
  readonly rows: SeenRow[] = [];
  readonly #options: FilteredDumpOptions;
  readonly #counts = new Map<string, number>();

  constructor(options: FilteredDumpOptions) {
    this.#options = options;
    this.schema = options.schema;
    this.answers = new Answers(options.asked, options.next);
  }

  /** The stream itself, or what is left of it. */
  filter(stream: DumpStream): DumpStream {
    const { table, dialect } = stream;
    const { schema, codecs, asked } = this.#options;
    if (table === undefined || dialect === 'sql') return stream;
    const questions = asked.of(table.name);
    const stored = schema.tables.find(({ name }) => name === table.name);
    if (!questions || !stored) return stream;
    const codec = codecFor(dialect, table, stored, codecs);
    const columns = [...questions.columns].filter((column) => codec.columns.includes(column));
    const wanted = columns.map((column) => codec.columns.indexOf(column));
    const about = { stored, codec, columns, wanted, queries: [...questions.queries.values()] };
    return { ...stream, bytes: this.#left(stream.bytes, about) };
  }

  async *#left(bytes: AsyncIterable<Uint8Array>, about: FilteredTable): AsyncGenerator<Uint8Array> {
    const rows = new WholeRows();
    let isFirst = true;
    for await (const chunk of bytes) {
      const piece = rows.add(chunk);
      if (piece === undefined) continue;
      yield* this.#edit(piece, isFirst, about);
      isFirst = false;
    }
    const rest = rows.rest();
    if (rest.length > 0) yield* this.#edit(rest, isFirst, about);
  }

  #edit(piece: Buffer, isFirst: boolean, about: FilteredTable): readonly Uint8Array[] {
    const { codec, wanted, columns, queries, stored } = about;
    const left: Buffer[] = [];
    let from = 0;
    codec.scan(piece, isFirst, { wanted }, (values, start, end) => {
      const read: ReadColumn = (column) => values[columns.indexOf(column)] ?? null;
      const ordinal = (this.#counts.get(stored.name) ?? 0) + 1;
      this.#counts.set(stored.name, ordinal);
      if (!queries.some((query) => matches(query, read, stored.name))) return;
      const row = piece.subarray(start, end);
      const outcome = this.#see(about, row, String(ordinal), values);
      if (outcome === undefined) return;
      left.push(piece.subarray(from, start));
      if (outcome.do !== 'delete') left.push(this.#changed(about, row, outcome));
      from = end;
    });
    left.push(piece.subarray(from));
    return left.filter(({ length }) => length > 0);
  }

  /** Remembers a row that was asked for. */
  #see(
    { stored: { name: table }, columns }: FilteredTable,
    row: Buffer,
    name: string,
    values: readonly Value[],
  ): Outcome | undefined {
    const bytes = bytesOf(table, row);
    const outcome = this.#options.decisions.get(bytes);
    this.rows.push({ table, row: name, bytes, outcome });
    this.answers.add(table, {
      row: name,
      values: new Map(columns.map((column, at) => [column, values[at] ?? null])),
    });
    return outcome;
  }

  #changed({ codec, stored }: FilteredTable, row: Buffer, { values }: Outcome): Buffer {
    const changes = new Map<number, Value>();
    for (const [column, value] of values) {
      const schema = stored.columns.find(({ name }) => name === column);
      const of = JSON.stringify([bytesOf(stored.name, row), column]);
      const isPseudonym = typeof value === 'object' && value !== null;
      changes.set(
        codec.columns.indexOf(column),
        isPseudonym ? makePseudonym(schema, of, this.#options.pseudonyms) : value,
      );
    }
    return changes.size === 0 ? row : codec.edit(row, changes);
  }
}

interface FilteredTable {
  readonly stored: TableSchema;
  readonly codec: RowCodec;
  /** What is read of each row, and the positions of it. */
  readonly columns: readonly string[];
  readonly wanted: readonly number[];
  readonly queries: readonly Query[];
}

function bytesOf(table: string, row: Buffer): string {
  return `${table} ${hash('sha256', row, 'hex')}`;
}
