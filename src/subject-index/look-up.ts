/**
 * Which segments may hold what is looked for. An accelerator, never a proof: what the indexes do not know, or not for
 * this comparison, may hold anything, and what they offer is looked at by whoever opens it.
 */
import type { Query } from '../subjects/access.ts';
import { holds, integerIn } from './integers.ts';
import { HalfSipHash } from './half-siphash.ts';
import { blockOf, valueOf } from './hash-blocks.ts';
import { hashOfKey } from './keys.ts';
import type { DirectoryColumn, DirectoryTable } from './directory.ts';
import { formOf } from './open.ts';
import type { IndexObject } from './open.ts';
import { indexedMatch, matchId } from './plan.ts';

/**
 * Looks up the keys of all queries at once.
 *
 * @returns the numbers of the segments that may hold one; undefined when one of the queries is not indexed here
 * @throws HoldfastError DAMAGED, MALFORMED, and what reading the object throws
 */
export async function heldBy(
  object: IndexObject,
  part: DirectoryTable,
  queries: readonly Query[],
): Promise<ReadonlySet<number> | undefined> {
  const byId = new Map(part.columns.map((column) => [matchId(column.match), column]));
  const asked = queries
    .filter(({ keys }) => keys.size > 0)
    .map(({ match, keys }) => ({
      column: byId.get(matchId(indexedMatch(match))),
      keys,
    }));
  if (asked.some(({ column }) => column === undefined)) return undefined;
  const held = new Set<number>();
  for (const { column, keys } of asked) {
    if (!column) continue;
    await lookUpHashes(object, column, part.segments.length, keys, held);
    await lookUpRuns(object, column, part.segments.length, keys, held);
  }
  return held;
}

async function lookUpHashes(
  object: IndexObject,
  column: DirectoryColumn,
  segments: number,
  keys: ReadonlySet<string>,
  held: Set<number>,
): Promise<void> {
  if (column.hashes.length === 0) return;
  const form = formOf(column, segments);
  const hash = new HalfSipHash(Buffer.from(object.directory.hashKey, 'hex'));
  const wanted = new Map<number, Set<number>>();
  for (const key of keys) {
    const hashed = hashOfKey(hash, key);
    const block = blockOf(hashed, form);
    const values = wanted.get(block) ?? new Set();
    wanted.set(block, values.add(valueOf(hashed, column.bits)));
  }
  const numbers = [...wanted.keys()].sort((a, b) => a - b);
  let at = 0;
  for await (const block of object.blocks(numbers.flatMap((number) => column.hashes[number] ?? []))) {
    const number = numbers[at++] ?? 0;
    const values = wanted.get(number);
    object.visitHashes(block, form, number, (value, segment) => {
      if (values?.has(value)) held.add(segment);
    });
  }
}

async function lookUpRuns(
  object: IndexObject,
  column: DirectoryColumn,
  segments: number,
  keys: ReadonlySet<string>,
  held: Set<number>,
): Promise<void> {
  if (column.runs.length === 0) return;
  // Only whole numbers lie in runs, and those only as they are printed.
  const values = [...keys]
    .map((key) => integerIn(Buffer.from(key), 0, Buffer.byteLength(key)))
    .filter(Number.isInteger);
  for await (const block of object.blocks(column.runs)) {
    object.visitRuns(block, segments, (segment, runs) => {
      if (values.some((value) => holds(runs, value))) held.add(segment);
    });
  }
}
