/** What can be seen of a map alone: every table that is said to be a subject's must be reached from the root. */
import type { Problem } from '../yaml/document.ts';
import { nearest } from '../nearest.ts';
import type { Link, Linked, SubjectMap } from './map.ts';

type PathOf = (part: object) => readonly PropertyKey[];

/** A root that is not there, and links that lead to tables of which the map says nothing, or that they are nobody's. */
export function lostLinks(map: SubjectMap, pathOf: PathOf): readonly Problem[] {
  const rootProblem = checkRoot(map, pathOf);
  if (rootProblem !== undefined) return [rootProblem];
  return [...linkedTables(map)].flatMap(({ links }) => links.flatMap((link) => lostLink(map, link, pathOf)));
}

function checkRoot(map: SubjectMap, pathOf: PathOf): Problem | undefined {
  const rule = map.tables.get(map.root.table);
  if (rule?.kind === 'linked') return undefined;
  const path = [...pathOf(map.root), 'table'];
  if (rule !== undefined)
    return { path, at: 'value', message: 'is the root, so its rows must be erased or kept' };
  return { path, at: 'value', message: `is not among the tables${suggestion(map.root.table, map)}` };
}

function lostLink(map: SubjectMap, link: Link, pathOf: PathOf): readonly Problem[] {
  const { table } = link.to;
  const rule = map.tables.get(table);
  if (rule?.kind === 'linked') return [];
  const message =
    rule === undefined
      ? `leads to ${table}, which is not among the tables${suggestion(table, map)}`
      : `leads to ${table}, whose rows are nobody's: nothing would ever be found by it`;
  return [{ path: pathOf(link), at: 'value', message }];
}

/**
 * Tables that no chain of links ties to the root: a circle of tables that only lead to each other would stay empty
 * for ever, and look as if nothing of theirs were the subject's.
 */
export function unreached(map: SubjectMap, pathOf: PathOf): readonly Problem[] {
  const followed = followedTables(map);
  return [...map.tables].flatMap(([name, rule]) => {
    if (rule.kind !== 'linked' || name === map.root.table) return [];
    if (rule.links.some((link) => followed.has(link.to.table))) return [];
    const message = `no chain of links leads from here to the root ${map.root.table}`;
    return [{ path: pathOf(rule), at: 'key' as const, message }];
  });
}

/** The tables whose rows can bring in further rows, from the root outwards. */
function followedTables(map: SubjectMap): ReadonlySet<string> {
  const followed = new Set([map.root.table]);
  for (let size = 0; size < followed.size;) {
    size = followed.size;
    for (const [name, rule] of map.tables) {
      if (rule.kind !== 'linked') continue;
      if (rule.links.some(({ follow, to }) => follow && followed.has(to.table))) followed.add(name);
    }
  }
  return followed;
}

function* linkedTables(map: SubjectMap): Iterable<Linked> {
  for (const rule of map.tables.values()) if (rule.kind === 'linked') yield rule;
}

function suggestion(table: string, map: SubjectMap): string {
  const near = nearest(table, map.tables.keys());
  return near === undefined ? '' : `; did you mean '${near}'?`;
}
