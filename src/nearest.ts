/** "Did you mean": the nearest known word to one that is not known. */

/** Nobody mistypes words that are longer, and comparing them takes time. */
const WORD_LENGTH_MAX = 64;

/** A sentence naming the nearest word, or undefined when nothing is near. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const best = nearest(word, known);
  return best === undefined ? undefined : `Did you mean '${best}'?`;
}

/** The known word that needs the fewest edits, if they are at most a third of its length (and at least one). */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  return nearestFirst(
    word,
    Array.from(known, (name) => ({ name, spellings: [name] })),
    editsOf,
  )[0]?.name;
}

/** Something that people name in several ways. */
interface Known {
  readonly name: string;
  readonly spellings: readonly string[];
}

const NEAR_MOST = 3;
/** A name of a letter or two is part of another by chance. */
const PART_LENGTH_MIN = 3;

/**
 * What may be meant by a word that nothing is called: it differs in few letters, or the one is part of the other. The
 * nearest first, and no others than those that are about as near.
 */
export function nearNames(word: string, known: Iterable<Known>): string[] {
  const near = nearestFirst(word, known, (one, other) => editsOf(one, other) ?? partOf(one, other));
  const least = near[0]?.distance ?? 0;
  return near
    .filter(({ distance }) => distance <= least + 1)
    .slice(0, NEAR_MOST)
    .map(({ name }) => name);
}

function nearestFirst(
  word: string,
  known: Iterable<Known>,
  distance: (one: string, other: string) => number | undefined,
): { readonly name: string; readonly distance: number }[] {
  if (word.length > WORD_LENGTH_MAX) return [];
  const wanted = word.toLowerCase();
  const near = Array.from(known, ({ name, spellings }) => {
    const distances = spellings.map((spelling) => distance(wanted, spelling.toLowerCase()) ?? Infinity);
    return { name, distance: Math.min(...distances) };
  });
  return near.filter((one) => one.distance < Infinity).sort((a, b) => a.distance - b.distance);
}

function editsOf(wanted: string, candidate: string): number | undefined {
  const edits = editsBetween(wanted, candidate);
  return edits <= Math.max(1, Math.floor(candidate.length / 3)) ? edits : undefined;
}

/** Farther than any slip of the finger. */
function partOf(one: string, other: string): number | undefined {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  return short.length >= PART_LENGTH_MIN && long.includes(short) ? long.length : undefined;
}

/** Levenshtein distance, row by row. */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
