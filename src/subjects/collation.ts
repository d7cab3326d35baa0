/**
 * When MySQL and MariaDB take two texts for the same: by the collation of their columns, most of which fold case and
 * accents, and do not count blanks at the end.
 *
 * Exact for the Basic Multilingual Plane under `general_ci`, and for Latin, Greek, Cyrillic, Armenian, Hebrew and Kana
 * under Unicode's; letters of other scripts are themselves only. Sequences that Unicode takes for one letter (`l·`) are
 * several here. `utf8mb4_0900_ai_ci` of MySQL is compared as Unicode 14, which differs in rare signs.
 */
import { GENERAL, SWEDISH, UCA_1400, UCA_400, UCA_520 } from './collation-tables.ts';

export const COLLATED_KINDS = ['general', 'swedish', 'uca400', 'uca520', 'uca1400', 'uca900'] as const;

/** The collations that fold, by what they fold. */
export type CollatedKind = (typeof COLLATED_KINDS)[number];

interface Folding {
  readonly table: readonly string[];
  /** Blanks at the end do not count ("PAD SPACE"). */
  readonly pads: boolean;
  /** Characters above U+FFFF are all the same. */
  readonly knowsBmpOnly: boolean;
}

const FOLDINGS: Readonly<Record<CollatedKind, Folding>> = {
  general: { table: GENERAL, pads: true, knowsBmpOnly: true },
  swedish: { table: SWEDISH, pads: true, knowsBmpOnly: false },
  uca400: { table: UCA_400, pads: true, knowsBmpOnly: true },
  uca520: { table: UCA_520, pads: true, knowsBmpOnly: false },
  uca1400: { table: UCA_1400, pads: true, knowsBmpOnly: false },
  uca900: { table: UCA_1400, pads: false, knowsBmpOnly: false },
};

const KNOWN: readonly (readonly [RegExp, 'exact' | 'padded' | CollatedKind])[] = [
  [/^(binary|.*_nopad_bin|.*_0900_bin)$/, 'exact'],
  [/_bin$/, 'padded'],
  [/^(utf8|utf8mb3|utf8mb4|ucs2|utf16|utf16le|utf32|ascii)_general_ci$/, 'general'],
  [/^latin1_swedish_ci$/, 'swedish'],
  [/^(utf8|utf8mb3|utf8mb4|ucs2|utf16|utf32)_unicode_ci$/, 'uca400'],
  [/^(utf8|utf8mb3|utf8mb4|ucs2|utf16|utf32)_unicode_520_ci$/, 'uca520'],
  [/^((utf8|utf8mb3|utf8mb4|ucs2|utf16|utf32)_)?uca1400_ai_ci$/, 'uca1400'],
  [/^utf8mb4_0900_ai_ci$/, 'uca900'],
];

/** How a collation compares; undefined for one that is not known here. */
export function kindOfCollation(collation: string): 'exact' | 'padded' | CollatedKind | undefined {
  return KNOWN.find(([pattern]) => pattern.test(collation.toLowerCase()))?.[1];
}

/** The collation of a type as `fullType` gives it: none for what is not text. */
export function collationOf(type: string): string | undefined {
  return / COLLATE (\w+)$/.exec(type)?.[1];
}

const maps = new Map<CollatedKind, ReadonlyMap<string, string>>();

/** The same text for all texts that are the same under such a collation. */
export function collated(value: string, kind: CollatedKind): string {
  const { pads, knowsBmpOnly } = FOLDINGS[kind];
  const map = mapOf(kind);
  let folded = '';
  for (const character of value)
    folded += character.length > 1 && knowsBmpOnly ? '\ufffd' : (map.get(character) ?? character);
  return pads ? folded.replace(/ +$/, '') : folded;
}

function mapOf(kind: CollatedKind): ReadonlyMap<string, string> {
  const known = maps.get(kind);
  if (known !== undefined) return known;
  const map = new Map<string, string>();
  for (const group of FOLDINGS[kind].table.flatMap((line) => line.split(' '))) {
    const at = group.indexOf('=');
    const to = charactersOf(group.slice(0, at)).join('');
    for (const character of charactersOf(group.slice(at + 1))) map.set(character, to);
  }
  maps.set(kind, map);
  return map;
}

/** Of `aÀ{1e0a}{300-362}`. */
function charactersOf(text: string): readonly string[] {
  return Array.from(text.matchAll(/\{([0-9a-f]+)(?:-([0-9a-f]+))?\}|([^{}])/gu)).flatMap(
    ([, first, last, plain]) => {
      if (plain !== undefined) return [plain];
      const from = parseInt(first ?? '', 16);
      const to = parseInt(last ?? first ?? '', 16);
      return Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index));
    },
  );
}
