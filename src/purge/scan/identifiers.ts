/**
 * What somebody is looked for by in text that no map describes: what the snapshots say of them in the columns by which
 * they are named or linked to. Pure.
 */
import type { Form } from '../../rows/form.ts';
import { Scanner } from '../../rows/scan.ts';
import { formsOf } from '../../rows/variants.ts';
import type { Subject } from '../../subjects/closure.ts';
import type { SubjectMap } from '../../subjects/map.ts';

/**
 * How long a value must be, in characters, to mean this one person wherever it stands: shorter ones are in every
 * database by chance. Numbers most of all: a customer's number is also an amount, an order's number and a time.
 */
const LENGTHS = {
  /** A column of `lookup`: an address, a name, a telephone number (E.164: seven digits and more). */
  lookup: { text: 6, digits: 7 },
  /** The key, and whatever else tables link to. */
  other: { text: 8, digits: 9 },
} as const;

/** What a purge puts in the place of a value (`edits.ts`). */
const PSEUDONYM = /^erased-[0-9a-f]{16}$/;

export interface Identifiers {
  /** How many different values are looked for. */
  readonly values: number;
  /** Columns of the root table that they come from, sorted. */
  readonly columns: readonly string[];
  /** Columns with a value that is too short to be looked for. */
  readonly tooShort: readonly string[];
  /** Where one of them stands in the bytes of a dump: the places, in no particular order. */
  readonly find: (piece: Buffer) => readonly Place[];
}

/** `piece[start, end)` */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** The values of these subjects that are long enough, in all the forms in which they may be written. */
export function identifiersOf(subjects: readonly Subject[], { root }: Pick<SubjectMap, 'root'>): Identifiers {
  const searched = new Map<string, { readonly column: string; readonly isLookup: boolean }>();
  const tooShort = new Set<string>();
  for (const { known } of subjects)
    for (const [column, value] of known) {
      const text = value.trim();
      if (text === '' || PSEUDONYM.test(text)) continue;
      const isLookup = root.lookup.has(column);
      if (isDistinctive(text, isLookup)) {
        if (isLookup || !searched.has(text)) searched.set(text, { column, isLookup });
      } else tooShort.add(column);
    }
  const forms = [...searched].flatMap(([text, { isLookup }]) => formsFor(text, isLookup));
  return {
    values: searched.size,
    columns: sorted([...searched.values()].map(({ column }) => column)),
    tooShort: sorted(tooShort),
    find: finder(forms),
  };
}

function isDistinctive(text: string, isLookup: boolean): boolean {
  const least = isLookup ? LENGTHS.lookup : LENGTHS.other;
  const digits = text.replace(/[^0-9]/g, '');
  const isNumber = /^[0-9 \-./()+]+$/.test(text);
  return isNumber ? digits.length >= least.digits : text.length >= least.text;
}

/** A key that is a number is not a telephone number: as one, it would be found at the end of longer ones. */
function formsFor(text: string, isLookup: boolean): readonly Form[] {
  return formsOf(text).filter(({ how }) => isLookup || how !== 'digits');
}

function finder(forms: readonly Form[]): (piece: Buffer) => readonly Place[] {
  if (forms.length === 0) return () => [];
  const scanner = new Scanner(forms);
  const numbers = forms.map(({ bytes, how }) => how !== 'hex' && how !== 'digits' && isAllDigits(bytes));
  return (piece) =>
    scanner
      .hits(piece)
      .filter(({ form, start, end }) => !(numbers[form] === true && isInNumber(piece, start, end)));
}

/** A number that stands inside a longer one is another number. */
function isInNumber(piece: Buffer, start: number, end: number): boolean {
  return isDigit(piece[start - 1]) || isDigit(piece[end]);
}

function isAllDigits(bytes: Buffer): boolean {
  return bytes.every(isDigit);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}
