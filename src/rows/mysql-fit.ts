/**
 * Whether a value can stand in a column of MySQL or MariaDB, as far as its type tells. A dump is loaded without strict
 * mode: what does not fit would be cut off or become 0 there, and nothing would say so.
 */
import { isJson } from './values.ts';
import type { Value } from './values.ts';

const INTEGERS = new Map([
  ['tinyint', 8n],
  ['smallint', 16n],
  ['mediumint', 24n],
  ['int', 32n],
  ['integer', 32n],
  ['bigint', 64n],
]);

/** Bytes. */
const TEXT_MOST = new Map([
  ['tinytext', 255],
  ['text', 65_535],
  ['mediumtext', 16_777_215],
]);

const FORMS = new Map([
  ['date', /^\d{4}-\d\d-\d\d$/],
  ['datetime', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/],
  ['timestamp', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?$/],
  ['time', /^-?\d{2,3}:\d\d:\d\d(\.\d{1,6})?$/],
  ['year', /^(0000|19\d\d|20\d\d|21[0-4]\d|215[0-5])$/],
  ['uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['float', /^-?\d+(\.\d+)?(e[+-]?\d{1,3})?$/],
  ['double', /^-?\d+(\.\d+)?(e[+-]?\d{1,3})?$/],
]);

const BYTES = /^\\x((?:[0-9a-f]{2})*)$/i;

/**
 * @param type - as `information_schema.columns` has it, with its collation: `varchar(80) COLLATE utf8mb4_general_ci`;
 *   empty when unknown
 * @returns why the value does not fit, for people and without the value; undefined when it does
 */
export function mysqlMisfit(value: Value, type: string, nullable: boolean): string | undefined {
  if (value === null) return nullable ? undefined : 'the column is NOT NULL';
  const [, name = '', argument = ''] = /^(\w+)(?:\(((?:[^)']|'(?:[^']|'')*')*)\))?/.exec(type) ?? [];
  const kind = name.toLowerCase();
  const bits = INTEGERS.get(kind);
  if (bits !== undefined) return isInteger(value, bits, type) ? undefined : `it is no ${kind}`;
  switch (kind) {
    case 'bit':
      return isBits(value, Number(argument || '1'))
        ? undefined
        : `it is no number of ${argument || '1'} bits`;
    case 'decimal':
      return isDecimal(value, argument, type) ? undefined : `it is no ${kind}(${argument})`;
    case 'enum':
      return membersOf(argument).includes(value) ? undefined : 'it is none of the words of this enum';
    case 'set':
      return isSet(value, membersOf(argument)) ? undefined : 'it is none of the words of this set';
    case 'json':
      return isJson(value) ? undefined : 'it is no JSON';
    case 'char':
    case 'varchar':
      return lengthMisfit(value, Number(argument || '1')) ?? charsetMisfit(value, type);
    case 'binary':
    case 'varbinary':
      return bytesMisfit(value, Number(argument || '1'));
  }
  if (/blob$/.test(kind) || /^(geometry|point|linestring|polygon|multi|geo|vector)/.test(kind))
    return bytesMisfit(value, Infinity);
  if (/text$/.test(kind)) return textMisfit(value, kind) ?? charsetMisfit(value, type);
  return FORMS.get(kind)?.test(value) === false ? `it is no ${kind}` : undefined;
}

function isInteger(value: string, bits: bigint, type: string): boolean {
  if (/\bzerofill\b/i.test(type) ? !/^\d{1,20}$/.test(value) : !/^(0|-?[1-9]\d{0,19})$/.test(value))
    return false;
  const integer = BigInt(value);
  if (/\bunsigned\b/i.test(type)) return integer >= 0n && integer < 2n ** bits;
  return integer >= -(2n ** (bits - 1n)) && integer < 2n ** (bits - 1n);
}

function isBits(value: string, bits: number): boolean {
  return /^(0|[1-9]\d{0,19})$/.test(value) && BigInt(value) < 2n ** BigInt(bits);
}

function isDecimal(value: string, argument: string, type: string): boolean {
  const [precision = 10, scale = 0] = argument === '' ? [] : argument.split(',').map(Number);
  const [, sign = '', whole = ''] = /^(-?)(\d+)(\.\d+)?$/.exec(value) ?? [];
  if (whole === '' || (sign !== '' && /\bunsigned\b/i.test(type))) return false;
  return whole.replace(/^0+/, '').length <= precision - scale;
}

/** The words of `'x','it''s'`. */
function membersOf(list: string): readonly string[] {
  return Array.from(list.matchAll(/'((?:[^']|'')*)'/g), ([, word = '']) => word.replaceAll("''", "'"));
}

function isSet(value: string, members: readonly string[]): boolean {
  return value === '' || value.split(',').every((word) => members.includes(word));
}

function lengthMisfit(value: string, most: number): string | undefined {
  return Array.from(value).length > most ? `it is longer than ${most} characters` : undefined;
}

function textMisfit(value: string, kind: string): string | undefined {
  const most = TEXT_MOST.get(kind) ?? Infinity;
  return Buffer.byteLength(value) > most ? `it is longer than ${most} bytes` : undefined;
}

function bytesMisfit(value: string, most: number): string | undefined {
  const hex = BYTES.exec(value)?.[1];
  if (hex === undefined) return String.raw`these are bytes, written as \x00ff`;
  return hex.length / 2 > most ? `it is longer than ${most} bytes` : undefined;
}

/** Characters that a column's character set lacks would become question marks. */
function charsetMisfit(value: string, type: string): string | undefined {
  const charset = /\bcollate ([a-z0-9]+)/i.exec(type)?.[1]?.toLowerCase();
  if (charset === undefined || ['utf8mb4', 'utf16', 'utf16le', 'utf32', 'uca1400'].includes(charset))
    return undefined;
  const isIn = ['utf8', 'utf8mb3', 'ucs2'].includes(charset) ? /^[\0-\uffff]*$/u : /^[\0-\x7f]*$/;
  return isIn.test(value) ? undefined : `characters of it are not in ${charset}`;
}
