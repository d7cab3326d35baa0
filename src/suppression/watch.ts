/**
 * Looks whether somebody who was erased is in a dump again, while it is being cut: by tokens, in the root table only;
 * of Redis and of files, whose root has no rows, in keys and paths. The dump's bytes go through as they are.
 */
import { codecFor, codecOptions } from '../rows/codec.ts';
import type { CodecOptions, RowCodec } from '../rows/codec.ts';
import type { Schema, TableSchema } from '../sources/schema.ts';
import { storedTables } from '../sources/schema.ts';
import type { DumpStream, SourceInfo, TableInfo } from '../sources/source.ts';
import { isKeyPattern, valuesInside } from '../rows/key-pattern.ts';
import { isPathPattern } from '../rows/path-pattern.ts';
import type { Value } from '../rows/values.ts';
import type { Subject } from '../subjects/closure.ts';
import type { SubjectMap } from '../subjects/map.ts';
import { TokenMaker } from './tokens.ts';
import type { Tokens } from './tokens.ts';
import { WholeRows } from './whole-rows.ts';

/** Somebody who was erased, and is in the database. */
export interface SeenPerson extends Subject {
  /** The root that their key is of. */
  readonly table: string;
  readonly purges: readonly string[];
}

/** Looks for keys that are known in whatever form. */
export class RowWatch {
  readonly #groups: readonly WatchedGroup[];
  readonly #schema: Schema;
  readonly #options: CodecOptions;
  readonly #map: Pick<SubjectMap, 'tables'> | undefined;
  readonly #back = new Map<string, number>();
  readonly #people = new Map<string, SeenPerson>();

  /**
   * @param info - of the source: how its text is encoded
   * @param map - the set's, which says what keys and paths look like
   */
  constructor(
    groups: readonly WatchedGroup[],
    schema: Schema,
    info: Pick<SourceInfo, 'facts'>,
    map?: Pick<SubjectMap, 'tables'>,
  ) {
    this.#map = map;
    this.#groups = groups;
    this.#schema = schema;
    this.#options = codecOptions(info);
  }

  /** Purges whose subjects were seen, with the number of their rows in the root table. */
  get back(): ReadonlyMap<string, number> {
    return this.#back;
  }

  /** The keys of those who were seen. */
  get people(): readonly SeenPerson[] {
    return [...this.#people.values()];
  }

  /** The stream itself, or the same that is looked at while it is read. */
  watch(stream: DumpStream): DumpStream {
    const { table, dialect } = stream;
    if (table === undefined || dialect === 'sql') return stream;
    const looks = this.#groups.flatMap((group): Look[] => {
      const stored = storedTables(this.#schema, group.table).find(({ name }) => name === table.name);
      if (stored === undefined) return this.#looksAtKeys(group, table);
      const wanted = group.columns.map((column) => table.columns.indexOf(column));
      // A column that an older or newer schema lacks: nobody can be told by it.
      return wanted.includes(-1) ? [] : [{ group, wanted, stored, read: (values) => [values] }];
    });
    const [first] = looks;
    if (first === undefined) return stream;
    const codec = codecFor(dialect, table, first.stored, this.#options);
    return { ...stream, bytes: this.#looked(stream.bytes, codec, looks) };
  }

  /** By each pattern of the map that leads from this table's keys to the root. */
  #looksAtKeys(group: WatchedGroup, table: TableInfo): Look[] {
    const rule = this.#map?.tables.get(table.name);
    const stored = this.#schema.tables.find(({ name }) => name === table.name);
    if (rule?.kind !== 'linked' || stored === undefined) return [];
    return rule.links.flatMap((link): Look[] => {
      if (link.kind !== 'json' || link.to.table !== group.table) return [];
      if (!isKeyPattern(link.path) && !isPathPattern(link.path)) return [];
      const position = table.columns.indexOf(link.column);
      if (position === -1 || JSON.stringify(link.to.columns) !== JSON.stringify(group.columns)) return [];
      const read = ([key]: readonly Value[]) =>
        valuesInside(key ?? null, link.path, table.name).map((value) => [value]);
      return [{ group, wanted: [position], stored, read }];
    });
  }

  async *#looked(
    bytes: AsyncIterable<Uint8Array>,
    codec: RowCodec,
    looks: readonly Look[],
  ): AsyncGenerator<Uint8Array> {
    const rows = new WholeRows();
    let isFirst = true;
    const look = (piece: Buffer): void => {
      if (piece.length === 0) return;
      for (const { group, wanted, read } of looks)
        codec.scan(piece, isFirst, { wanted }, (values) => {
          for (const key of read(values)) this.#see(group, key);
        });
      isFirst = false;
    };
    for await (const chunk of bytes) {
      const piece = rows.add(chunk);
      if (piece) look(piece);
      yield chunk;
    }
    look(rows.rest());
  }

  #see(group: WatchedGroup, values: readonly Value[]): void {
    const token = group.maker.of(values);
    const purges = token === undefined ? undefined : group.purges.get(token);
    if (token === undefined || purges === undefined) return;
    for (const purge of purges) this.#back.set(purge, (this.#back.get(purge) ?? 0) + 1);
    const { table, columns } = group;
    const known = new Map(columns.flatMap((column, at) => pair(column, values[at] ?? null)));
    this.#people.set(token, { table, purges, by: columns, known });
  }
}

/** By the tokens of purges, which a host may read. */
export class TokenWatch extends RowWatch {
  constructor(tokens: readonly Tokens[], ...rest: RestOf<ConstructorParameters<typeof RowWatch>>) {
    super(groupsOf(tokens), ...rest);
  }
}

type RestOf<T extends readonly unknown[]> = T extends readonly [unknown, ...infer Rest] ? Rest : never;

function pair(column: string, value: Value): readonly (readonly [string, string])[] {
  return value === null ? [] : [[column, value]];
}

interface Look {
  readonly group: WatchedGroup;
  /** Positions in the stream's columns. */
  readonly wanted: readonly number[];
  readonly stored: TableSchema;
  /** The keys of subjects that these values hold. */
  readonly read: (values: readonly Value[]) => readonly (readonly Value[])[];
}

/** Keys of one table that are looked for: what is made of a row's is compared with them. */
export interface WatchedGroup {
  readonly table: string;
  readonly columns: readonly string[];
  readonly maker: { of(values: readonly Value[]): string | undefined };
  /** Ids of purges, by what the maker makes. */
  readonly purges: Map<string, string[]>;
}

function groupsOf(all: readonly Tokens[]): WatchedGroup[] {
  const groups = new Map<string, WatchedGroup>();
  for (const { key, table, columns, comparisons, purge, tokens } of all) {
    const about = { key, table, columns, comparisons };
    const name = JSON.stringify(about);
    const purges = new Map<string, string[]>();
    const group: WatchedGroup = groups.get(name) ?? { ...about, maker: new TokenMaker(about), purges };
    groups.set(name, group);
    for (const token of tokens) group.purges.set(token, [...(group.purges.get(token) ?? []), purge]);
  }
  return [...groups.values()];
}
