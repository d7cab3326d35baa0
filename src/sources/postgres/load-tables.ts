/** Which tables of a dump to load: what the user typed against what is there. */
import { nearNames } from '../../nearest.ts';
import type { StoredStream } from '../source.ts';
import { ambiguousTable, unknownTable } from './load-errors.ts';
import { keyOfName, nameKey, TokenReader, tokensOf } from './load-names.ts';
import type { Partitions } from './load-partitions.ts';

interface Candidate {
  readonly key: string;
  /** As SQL writes it. */
  readonly sql: string;
  /** Schema and table without quotes. */
  readonly plain: string;
  /** The table alone, without quotes. */
  readonly bare: string;
}

/** The streams that hold rows of tables, by the key of their table. */
export function tableStreams(streams: readonly StoredStream[]): ReadonlyMap<string, StoredStream[]> {
  const found = new Map<string, StoredStream[]>();
  for (const stream of streams) {
    const key = stream.table === undefined ? undefined : keyOfName(stream.table.name);
    if (key !== undefined && stream.dialect === 'pg-copy')
      found.set(key, [...(found.get(key) ?? []), stream]);
  }
  return found;
}

/**
 * The keys of the chosen tables. A name may be quoted as SQL or plain, with its schema or, when only one schema has
 * such a table, without. A partitioned table stands for its partitions.
 * @throws HoldfastError TABLE_UNKNOWN with near names, TABLE_AMBIGUOUS
 */
export function chooseTables(
  streams: readonly StoredStream[],
  wanted: readonly string[],
  partitions: Partitions,
): ReadonlySet<string> {
  const stored = tableStreams(streams);
  const candidates = candidatesOf(stored, partitions);
  const chosen = wanted.flatMap((name) => {
    const key = find(name, candidates);
    if (key === undefined) {
      const known = candidates.map(({ sql, plain, bare }) => ({ name: sql, spellings: [plain, bare] }));
      throw unknownTable(name, nearNames(name.replaceAll('"', ''), known));
    }
    return partitions.below(key);
  });
  return new Set(chosen.filter((key) => stored.has(key)));
}

/**
 * The same as names of the dump, each once; one that nothing has stays as it is.
 * @throws HoldfastError TABLE_AMBIGUOUS
 */
export function tablesOf(
  streams: readonly StoredStream[],
  wanted: readonly string[],
  partitions: Partitions,
): readonly string[] {
  const stored = tableStreams(streams);
  const candidates = candidatesOf(stored, partitions);
  const names = wanted.flatMap((name) => {
    const key = find(name, candidates);
    if (key === undefined) return [name];
    return partitions.below(key).flatMap((each) => stored.get(each)?.[0]?.table?.name ?? []);
  });
  return [...new Set(names)];
}

function candidatesOf(
  stored: ReadonlyMap<string, readonly StoredStream[]>,
  { parents }: Partitions,
): readonly Candidate[] {
  const names = [...stored.values()].flatMap(([stream]) => stream?.table?.name ?? []);
  return [...names, ...parents].map(candidate);
}

/** The key of the one that is meant; undefined when there is none. */
function find(wanted: string, candidates: readonly Candidate[]): string | undefined {
  const key = keyOfName(wanted);
  const exact = candidates.find((each) => each.sql === wanted || each.plain === wanted || each.key === key);
  if (exact !== undefined) return exact.key;
  const bare = candidates.filter((each) => each.bare === wanted || nameKey([each.bare]) === key);
  const [only] = bare;
  if (bare.length > 1)
    throw ambiguousTable(
      wanted,
      bare.map((each) => each.sql),
    );
  return only?.key;
}

function candidate(sql: string): Candidate {
  const parts = new TokenReader([...tokensOf(sql)]).name() ?? [sql];
  return { key: nameKey(parts), sql, plain: parts.join('.'), bare: parts.at(-1) ?? sql };
}
