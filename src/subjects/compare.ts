/**
 * When two values of different columns are the same: as the engine's own `=` sees it, on the text that it prints.
 *
 * A foreign key holds between `numeric` 1.0 and 1.00, and between `char(8)` and `text`, which print differently:
 * comparing the text alone would leave rows of the subject behind.
 */
import type { Value } from '../rows/values.ts';
import type { SourceKind } from '../sources/source.ts';
import { canonical, type CanonicalForm } from './canonical.ts';
import { collated, COLLATED_KINDS, collationOf, kindOfCollation } from './collation.ts';
import { familyOf, ignoresCase, isPadded } from './types.ts';

/** `mysql` is MariaDB too. */
export type Engine = SourceKind;

/** Those in which an erasure can be written as SQL. */
export type SqlDatabase = Exclude<Engine, 'redis' | 'files'>;

/**
 * What about the text is not part of the value: nothing, how a number is written, padding, case (citext), what a
 * collation of MySQL folds.
 */
export type Kind = (typeof KINDS)[number];

export const KINDS = ['exact', 'number', 'padded', 'folded', ...COLLATED_KINDS] as const;

export interface Comparison {
  /** As the subject map says. */
  readonly form: CanonicalForm;
  /** As the types of both columns say; only `exact` goes with a form other than `exact`. */
  readonly kind: Kind;
}

/**
 * How columns of these types are compared.
 *
 * @param types - of both columns, as `fullType` gives them; a value inside JSON has the type `json value`
 */
export function comparisonOf(
  engine: Engine,
  types: readonly [string, string],
  form: CanonicalForm,
): Comparison {
  return { form, kind: form === 'exact' ? kindOf(engine, types) : 'exact' };
}

/**
 * The value in a form in which equal values are equal texts; null for what equals nothing.
 *
 * That is NULL, and under a form of the map also what the form leaves empty: two people without a phone number do
 * not have the same one.
 */
export function comparable(value: Value, { form, kind }: Comparison): string | null {
  if (value === null) return null;
  if (form !== 'exact') return canonical(value, form) || null;
  switch (kind) {
    case 'exact':
      return value;
    case 'number':
      return plainNumber(value);
    case 'padded':
      return value.replace(/ +$/, '');
    case 'folded':
      return value.toLowerCase();
    default:
      return collated(value, kind);
  }
}

/** The key that these columns of a row make together; null when a part equals nothing, so that the whole does. */
export function keyOf(values: readonly Value[], comparisons: readonly Comparison[]): string | null {
  const parts: string[] = [];
  for (const [index, comparison] of comparisons.entries()) {
    const part = comparable(values[index] ?? null, comparison);
    if (part === null) return null;
    parts.push(part);
  }
  return parts.length === 1 ? (parts[0] ?? null) : JSON.stringify(parts);
}

/** The type under which `comparisonOf` knows a value that was found inside JSON. */
export const JSON_VALUE = 'json value';

/** True for texts that are numbers, as engines and JSON write them. */
export function isNumberText(text: string): boolean {
  return /\d/.test(text) && NUMBER.test(text);
}

function kindOf(engine: Engine, types: readonly [string, string]): Kind {
  const families = types.map(familyOf);
  const numbers = families.filter((family) => family === 'integer' || family === 'number');
  if (engine === 'mysql' && types.some(isZerofilled)) return 'number';
  if (numbers.length === 1 && types.includes(JSON_VALUE)) return 'number';
  // Whole numbers are written in one way only.
  if (numbers.length === 2 && families.includes('number')) return 'number';
  if (engine === 'sqlite' || engine === 'redis' || engine === 'files') return 'exact';
  if (engine === 'mysql') return collatedKind(types);
  if (types.some(isPadded)) return 'padded';
  return types.some(ignoresCase) ? 'folded' : 'exact';
}

/** Prints `00042`. */
function isZerofilled(type: string): boolean {
  return /\bzerofill\b/i.test(type);
}

/**
 * By the collations of both columns. Of two, the binary one decides, as in the server. One that is not known counts as
 * one that folds much: foreign keys, which nobody chooses, are rather found too often; links by it are refused
 * (`relations.ts`).
 */
function collatedKind(types: readonly [string, string]): Kind {
  const collations = types.flatMap((type) => collationOf(type) ?? []);
  const kinds = collations.map((collation) => kindOfCollation(collation) ?? 'uca1400');
  const strict = kinds.find((kind) => kind === 'exact' || kind === 'padded');
  return strict ?? kinds[0] ?? 'exact';
}

/** Why text of these types is not compared here as in MySQL; undefined when it is. */
export function uncollated(types: readonly [string, string]): string | undefined {
  const collations = types.flatMap((type) => collationOf(type) ?? []);
  const odd = collations.find((collation) => kindOfCollation(collation) === undefined);
  if (odd !== undefined) return `how ${odd} compares is not known here`;
  const kinds = new Set(collations.map((collation) => kindOfCollation(collation)));
  const folds = kinds.size > 1 && !kinds.has('exact') && !kinds.has('padded');
  return folds ? `${collations.join(' and ')} compare in different ways` : undefined;
}

const NUMBER = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,9}))?$/;

/** Digits without zeros at either end, and an exponent: one text for 1.0, 1.00, 01 and 10e-1. */
function plainNumber(text: string): string {
  const parts = NUMBER.exec(text);
  if (parts === null) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts;
  if (whole + fraction === '') return text;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${sign === '-' ? '-' : ''}${significant}e${power}`;
}
