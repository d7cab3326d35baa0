/** What kinds of values a column's type has, as far as comparing and replacing them goes. */
import type { ColumnSchema } from '../sources/schema.ts';

/** `any` is a type that this program does not know (an enum, a domain) or that does not bind (SQLite). */
export type Family =
  'any' | 'array' | 'boolean' | 'bytes' | 'integer' | 'json' | 'number' | 'oid' | 'text' | 'time' | 'uuid';

const FAMILIES: readonly (readonly [RegExp, Family])[] = [
  [/\[\]$/, 'array'],
  [/^(smallint|integer|bigint|int|int2|int4|int8|tinyint|mediumint)\b/, 'integer'],
  [/^(oid|lo|[a-z_]+\.lo)$/, 'oid'],
  [
    /^(text|(tiny|medium|long)text|character|char|varchar|nvarchar|nchar|enum|set|clob|name|"char"|([a-z_]+\.)?citext)\b/,
    'text',
  ],
  [/^uuid$/, 'uuid'],
  [/^(numeric|decimal|real|double|float)\b/, 'number'],
  [/^bool(ean)?$/, 'boolean'],
  [/^jsonb?$/, 'json'],
  [/^(bytea|(tiny|medium|long)?blob|(var)?binary(\(\d+\))?)$/, 'bytes'],
  [/^(date|datetime|timestamp|time|interval)\b/, 'time'],
];

/** The family of a type, as `ColumnSchema.type` writes it. */
export function familyOf(type: string): Family {
  const written = type.toLowerCase();
  return FAMILIES.find(([pattern]) => pattern.test(written))?.[1] ?? 'any';
}

/** Pairs of families whose values may be equal as text. */
const COMPARABLE = new Set([
  'integer text',
  'text uuid',
  'number text',
  'integer number',
  'integer oid',
  'text time',
]);

/** Why values of these two types can never be equal, or not by their text; undefined when they can. */
export function incomparable(one: string, other: string): string | undefined {
  const families = [familyOf(one), familyOf(other)].sort();
  const odd = families.find((family) => family === 'array' || family === 'json' || family === 'bytes');
  if (odd !== undefined && families[0] !== families[1]) return `${one} and ${other} are never equal`;
  if (odd === 'array' || odd === 'json') return `two columns of type ${one} cannot be linked`;
  if (families.includes('any') || families[0] === families[1]) return undefined;
  return COMPARABLE.has(families.join(' ')) ? undefined : `${one} and ${other} are never equal`;
}

/** How a pseudonym looks in a column of this type: `text` of at most so many characters, `uuid`; undefined for no way. */
export function pseudonymFor({
  type,
}: ColumnSchema): { readonly as: 'text' | 'uuid'; readonly most: number } | undefined {
  const family = familyOf(type);
  // MySQL: of these, nothing else than their own words, numbers or addresses.
  if (/^(enum|set|bit|year|inet[46])\b/i.test(type)) return undefined;
  if (family === 'uuid') return { as: 'uuid', most: 36 };
  if (family !== 'text' && family !== 'any') return undefined;
  const length = /\((\d+)\)/.exec(type)?.[1];
  return { as: 'text', most: length === undefined ? Infinity : Number(length) };
}

/** Characters that a pseudonym needs to be unlike any other one: `erased-` and 16 hexadecimal digits. */
export const PSEUDONYM_LENGTH = 23;

/** True for `character(8)`, whose values end in blanks that count here and not in the database. */
export function isPadded(type: string): boolean {
  return /^(character|char|nchar)\(\d+\)$/i.test(type);
}

/** True for `citext`, which the database compares without regard to case. */
export function ignoresCase(type: string): boolean {
  return /(^|\.)citext$/i.test(type);
}
