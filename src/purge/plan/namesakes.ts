/** A name that leads to several subjects, at one time or one after the other: a person has to say who is meant. Pure. */
import { HoldfastError } from '../../errors.ts';
import type { CanonicalForm } from '../../subjects/canonical.ts';
import type { Subject } from '../../subjects/closure.ts';
import { comparable, comparisonOf } from '../../subjects/compare.ts';
import type { SubjectMap } from '../../subjects/map.ts';
import { fullType } from '../../sources/schema.ts';
import type { Located, LocatedSnapshot } from '../locate/located.ts';

export interface Namesakes {
  /** The columns of the name, as they were asked for. */
  readonly by: readonly string[];
  /** Keys of all who have or had it, in the order in which they were found; each in the order of the root's key. */
  readonly keys: readonly (readonly string[])[];
}

interface LookedAt {
  readonly snapshots: readonly Pick<LocatedSnapshot, 'schema' | 'manifest'>[];
}

/**
 * The names of those that were asked for by which more than one key was found, and not each of these keys was asked for.
 * @param asked - as a person has named them
 * @param found - everybody whom the search has found
 */
export function namesakesOf(
  asked: readonly Subject[],
  { subjects: found, snapshots }: Pick<Located, 'subjects'> & LookedAt,
  { root }: Pick<SubjectMap, 'root'>,
): Namesakes[] {
  const isByKey = ({ by }: Subject) => JSON.stringify(by) === JSON.stringify(root.key);
  const named = new Set(asked.filter(isByKey).flatMap((subject) => keyOf(subject, root.key)));
  return asked
    .filter((subject) => !isByKey(subject))
    .flatMap((one): Namesakes[] => {
      const isSame = sameName(one, root, snapshots);
      const keys = new Set(found.filter(isSame).flatMap((subject) => keyOf(subject, root.key)));
      if (keys.size < 2 || [...keys].every((key) => named.has(key))) return [];
      return [{ by: one.by, keys: [...keys].map((key) => JSON.parse(key) as string[]) }];
    });
}

/** Compares as the search does: by the map's form, and by the type that the column has in any of the snapshots. */
function sameName(
  one: Subject,
  root: SubjectMap['root'],
  snapshots: LookedAt['snapshots'],
): (other: Subject) => boolean {
  const compared = one.by.map((column) => {
    const form: CanonicalForm = root.lookup.get(column) ?? 'exact';
    return { column, comparisons: comparisonsOf(column, form, root.table, snapshots) };
  });
  return ({ known }) =>
    compared.every(({ column, comparisons }) =>
      comparisons.some((comparison) => {
        const value = comparable(one.known.get(column) ?? null, comparison);
        return value !== null && value === comparable(known.get(column) ?? null, comparison);
      }),
    );
}

function comparisonsOf(column: string, form: CanonicalForm, table: string, snapshots: LookedAt['snapshots']) {
  const kinds = new Map(
    snapshots.flatMap(({ schema, manifest }) => {
      const engine = manifest.source.kind;
      const stored = schema.tables.filter(({ name, partitionOf }) => name === table || partitionOf === table);
      return stored.flatMap(({ columns }) => {
        const found = columns.find(({ name }) => name === column);
        if (found === undefined) return [];
        const type = fullType(found);
        const comparison = comparisonOf(engine, [type, type], form);
        return [[comparison.kind, comparison] as const];
      });
    }),
  );
  return [...kinds.values()];
}

function keyOf({ known }: Subject, key: readonly string[]): readonly string[] {
  const values = key.map((column) => known.get(column));
  return values.includes(undefined) ? [] : [JSON.stringify(values)];
}

/**
 * @param subject - what the map calls one
 * @param option - what says that all of them are meant; absent where only one can be
 */
export function subjectAmbiguous(subject: string, { by, keys }: Namesakes, option?: string): HoldfastError {
  // A key may be a name or an address itself: only what is made up is repeated.
  const areMadeUp = keys.flat().every((value) => MADE_UP.test(value));
  const list = areMadeUp ? `: ${keys.map((key) => `${subject}=${key.join(',')}`).join(', ')}` : '';
  return new HoldfastError({
    code: 'SUBJECT_AMBIGUOUS',
    exit: 'policy',
    message: `the ${by.join(', ')} that was given has led to ${keys.length} of them, at one time or one after the other${list}`,
    hint: `Nothing was written. Say who is meant by the key, --subject ${subject}=KEY${option === undefined ? '.' : ` for each; or ${option} when all of them are.`}`,
  });
}

/** Numbers and random identifiers. */
const MADE_UP = /^(\d{1,30}|[0-9a-f]{16,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
