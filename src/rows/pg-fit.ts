/**
 * Whether a value can stand in a column of PostgreSQL, as far as its type alone tells: a value that cannot would stop
 * every later restore of the table. Types of which nothing is known here hold everything.
 */
import { isJson } from './values.ts';
import type { Value } from './values.ts';

const INTEGERS = new Map([
  ['smallint', 15n],
  ['integer', 31n],
  ['bigint', 63n],
]);

const FORMS = new Map([
  ['boolean', /^(t|f|true|false)$/],
  ['uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i],
  ['bytea', /^\\x([0-9a-f]{2})*$/i],
  ['numeric', /^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|NaN|-?Infinity)$/i],
  ['real', /^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|NaN|-?Infinity)$/i],
  ['double precision', /^([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|NaN|-?Infinity)$/i],
  ['date', /^(\d{4,}-\d\d-\d\d( BC)?|-?infinity)$/],
  ['timestamp without time zone', /^(\d{4,}-\d\d-\d\d(?!\d).*|-?infinity)$/],
  ['timestamp with time zone', /^(\d{4,}-\d\d-\d\d(?!\d).*|-?infinity)$/],
]);

/**
 * @param type - as `format_type` writes it: `character varying(80)`; empty when unknown
 * @returns why the value does not fit, for people and without the value; undefined when it does
 */
export function misfit(value: Value, type: string, nullable: boolean): string | undefined {
  if (value === null) return nullable ? undefined : 'the column is NOT NULL';
  if (value.includes('\0')) return 'PostgreSQL stores no zero byte';
  if (type.endsWith(']')) return /^(\[[-\d:[\]]+\]=)?\{[^]*\}$/.test(value) ? undefined : 'it is no array';
  if (type === 'json' || type === 'jsonb') return isJson(value) ? undefined : 'it is no JSON';
  // `character varying(80)`, `timestamp(3) with time zone`: the type, and what it is limited to.
  const [modifier = '', limit] = /\((\d+)(?:,-?\d+)?\)/.exec(type) ?? [];
  const name = type.replace(modifier, '');
  const bits = INTEGERS.get(name);
  if (bits !== undefined) return isInteger(value, bits) ? undefined : `it is no ${name}`;
  if (name === 'character varying' || name === 'character') return tooLong(value, Number(limit ?? Infinity));
  return FORMS.get(name)?.test(value) === false ? `it is no ${name}` : undefined;
}

function isInteger(value: string, bits: bigint): boolean {
  if (!/^[+-]?\d{1,19}$/.test(value)) return false;
  const integer = BigInt(value.replace(/^\+/, ''));
  return integer >= -(2n ** bits) && integer < 2n ** bits;
}

/** PostgreSQL counts characters, and cuts off blanks that are too many. */
function tooLong(value: string, limit: number): string | undefined {
  const length = Array.from(value.replace(/ +$/, '')).length;
  return length > limit ? `it is longer than ${limit} characters` : undefined;
}
