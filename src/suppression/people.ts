/** Who of a purge's subjects is looked for in a snapshot. Pure. */
import type { Subject } from '../subjects/closure.ts';
import type { SubjectMap } from '../subjects/map.ts';

/**
 * In a snapshot of a host that did not know of the purge: everybody, by all that is known of them.
 *
 * In one of a host that knew: by their key alone. What belongs to that key is the data that was erased; but who has
 * the same address under another key has come back by their own will, or is somebody else.
 */
export function subjectsIn(
  subjects: readonly Subject[],
  { root }: Pick<SubjectMap, 'root'>,
  hostKnew: boolean,
): readonly Subject[] {
  if (!hostKnew) return subjects;
  return subjects.flatMap(({ known }): Subject[] => {
    const key = root.key.flatMap((column): [string, string][] => {
      const value = known.get(column);
      return value === undefined ? [] : [[column, value]];
    });
    return key.length < root.key.length ? [] : [{ by: root.key, known: new Map(key) }];
  });
}
