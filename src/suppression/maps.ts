/**
 * By which map somebody is looked for in one snapshot. The map that a purge has sealed is of its day; schemas go on.
 *
 * A host that did not know of the purge: the purge's map says what is erased, and the snapshot's own only what that
 * says nothing of. A host that knew: the snapshot's own, which goes with its schema; the purge's for the rest. Where
 * neither covers a table, the set's map of today is asked: somebody can still say what the table is.
 */
import type { Sidecar } from '../repository/sidecar.ts';
import { coveringMap, isOfTheSame, uncoveredIn } from '../subjects/cover.ts';
import type { SubjectMap } from '../subjects/map.ts';
import { parseSubjectMap } from '../subjects/parse.ts';
import type { Suppression } from './objects.ts';

/** People of one purge. */
export interface Person extends Suppression {
  /** The snapshot's host had read of the purge in the ledger. */
  readonly hostKnew: boolean;
}

export interface Maps {
  /** Of the snapshot. */
  readonly sidecar: Sidecar | undefined;
  readonly mapOfToday: (() => Promise<SubjectMap | undefined>) | undefined;
}

/** People who are looked for together. */
export interface PeopleOfMap {
  readonly map: SubjectMap;
  readonly people: readonly Person[];
}

/** @param fail - makes the error for tables that no map covers */
export async function mapsFor(
  people: readonly Person[],
  { sidecar, mapOfToday }: Maps,
  fail: (people: readonly Person[], tables: readonly string[]) => Error,
): Promise<readonly PeopleOfMap[]> {
  const own = ownMap(sidecar);
  const schema = sidecar?.schema ?? { tables: [] };
  const found = new Map<string, { readonly map: SubjectMap; readonly people: Person[] }>();
  for (const [text, alike] of Map.groupBy(people, ({ map, hostKnew }) => JSON.stringify([map, hostKnew]))) {
    const [first] = alike;
    if (first === undefined) continue;
    const { map: ofPurge } = parseSubjectMap(first.map, 'the map of the purge');
    const leads = first.hostKnew && own !== undefined && isOfTheSame(own, ofPurge);
    const others = own === undefined ? [] : [own];
    let map = coveringMap(leads ? [own, ofPurge] : [ofPurge, ...others], schema);
    if (uncoveredIn(map, schema).length > 0) {
      const today = await mapOfToday?.();
      if (today !== undefined) map = coveringMap([map, today], schema);
    }
    const bare = uncoveredIn(map, schema).map(({ name }) => name);
    if (bare.length > 0) throw fail(alike, bare);
    // Purges whose people are found by the snapshot's own map alone share one search.
    const name = leads && isWholly(map, own) ? 'own' : text;
    const group = found.get(name) ?? { map, people: [] };
    group.people.push(...alike);
    found.set(name, group);
  }
  return [...found.values()];
}

function ownMap(sidecar: Sidecar | undefined): SubjectMap | undefined {
  const text = sidecar?.subjects?.text;
  return text === undefined ? undefined : parseSubjectMap(text, 'the map in the snapshot').map;
}

function isWholly(map: SubjectMap, own: SubjectMap): boolean {
  return (
    map.tables.size === own.tables.size &&
    [...map.tables].every(([name, rule]) => own.tables.get(name) === rule)
  );
}
