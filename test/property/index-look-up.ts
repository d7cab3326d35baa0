/** Asks an index where somebody may be. */
import type { Query } from '../../src/subjects/access.ts';
import { heldBy } from '../../src/subject-index/look-up.ts';
import type { IndexObject } from '../../src/subject-index/open.ts';

/** A segment, by its pack (`NNN/ID`) and where it begins in it. */
interface SegmentPlace {
  readonly pack: string;
  readonly offset: number;
}

/**
 * Says of a segment of a table whether it may hold a row that matches; true when in doubt.
 * @param table - stored table, as `TableSchema.name`
 */
export async function whatMayHold(
  object: IndexObject,
  table: string,
  queries: readonly Query[],
): Promise<(segment: SegmentPlace) => boolean> {
  const without = new Set<string>();
  for (const part of object.directory.tables) {
    if (part.table !== table) continue;
    const held = await heldBy(object, part, queries);
    if (held === undefined) continue;
    for (const [at, place] of part.segments.entries()) if (place && !held.has(at)) without.add(nameOf(place));
  }
  return (segment) => !without.has(nameOf(segment));
}

function nameOf({ pack, offset }: SegmentPlace): string {
  return `${pack} ${offset}`;
}
