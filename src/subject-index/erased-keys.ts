/** The keys of rows that a purge takes away or changes, for the comparisons that indexes know: what they must forget. */
import type { RowCodec, Value } from '../rows/codec.ts';
import { valuesInside } from '../rows/key-pattern.ts';
import { keyOf } from '../subjects/compare.ts';
import type { IndexDirectory } from './directory.ts';
import { matchId, type IndexedMatch } from './plan.ts';

const NONE: ReadonlySet<string> = new Set();

interface Erased {
  readonly match: IndexedMatch;
  readonly keys: Set<string>;
}

export class ErasedKeys {
  /** By table, then by `matchId`. */
  readonly #tables = new Map<
    string,
    Map<string, { readonly match: IndexedMatch; readonly keys: Set<string> }>
  >();

  /** @param directories - of all indexes that are to forget them */
  constructor(directories: readonly IndexDirectory[]) {
    for (const { table, columns } of directories.flatMap(({ tables }) => tables)) {
      const known = this.#tables.get(table) ?? new Map<string, Erased>();
      this.#tables.set(table, known);
      for (const { match } of columns) {
        const id = matchId(match);
        if (!known.has(id)) known.set(id, { match, keys: new Set() });
      }
    }
  }

  /**
   * Takes a row as it was.
   * @param row - its bytes in the dump
   */
  add(table: string, codec: RowCodec, row: Buffer): void {
    for (const { match, keys } of this.#tables.get(table)?.values() ?? []) {
      const columns = 'json' in match ? [match.json] : match.columns;
      const positions = columns.map((column) => codec.columns.indexOf(column));
      // An index of this stream does not know the comparison then.
      if (positions.includes(-1)) continue;
      const values = codec.read(row, positions);
      for (const one of valuesOf(values, match)) {
        const key = keyOf(one, match.comparisons);
        if (key !== null) keys.add(key);
      }
    }
  }

  of(table: string, match: IndexedMatch): ReadonlySet<string> {
    return this.#tables.get(table)?.get(matchId(match))?.keys ?? NONE;
  }
}

function valuesOf(values: readonly Value[], match: IndexedMatch): readonly (readonly Value[])[] {
  if (!('json' in match)) return [values];
  return valuesInside(values[0] ?? null, match.path, match.json).map((value) => [value]);
}
