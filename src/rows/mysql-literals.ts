/**
 * Values as mariadb-dump and mysqldump write them with --hex-blob, and in no other form: `NULL`, `-1.50`, `1e30`,
 * `'it\'s'`, `0x00FF`, `b'101'`. Text that is not UTF-8 and strings with an introducer (`_binary '…'`) are not among them.
 */
import { latin1Of, textOf, type Value } from './values.ts';

/** What a column's literals stand for. */
export interface LiteralKind {
  /** `any` for a column of which the type is not known. */
  readonly holds: 'text' | 'number' | 'bytes' | 'bits' | 'any';
  /** Of `bits`: how many. */
  readonly bits?: number;
  /** Computed by the server, which does not look at what a dump says of it. */
  readonly isGenerated?: boolean;
}

/** What stands for a value that the server computes (MariaDB manual, "INSERT"; MySQL manual, 15.2.7). */
export const GENERATED = 'DEFAULT';

const NUMBER = /^-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/;
const HEX = /^0x((?:[0-9a-fA-F]{2})+)$/;
const BITS = /^b'([01]{1,64})'$/;
const BYTES = /^\\x((?:[0-9a-f]{2})*)$/i;

/** Of mysql_real_escape_string ("Special Character Escape Sequences" in both manuals); a tab stands there as it is. */
const ESCAPES: Readonly<Record<string, string>> = {
  '0': '\0',
  n: '\n',
  r: '\r',
  Z: '\x1a',
  "'": "'",
  '"': '"',
  '\\': '\\',
};
const ESCAPED = new Map(Object.entries(ESCAPES).map(([letter, character]) => [character, `\\${letter}`]));
// eslint-disable-next-line no-control-regex -- these are what is escaped
const TO_ESCAPE = /[\0\n\r\x1a'"\\]/g;

/** How the values of a type are written: `ColumnSchema.type`. */
export function literalKind(type: string, isGenerated: boolean): LiteralKind {
  const bits = /^bit(?:\((\d+)\))?/i.exec(type);
  const generated = isGenerated ? { isGenerated } : {};
  if (bits !== null) return { holds: 'bits', bits: Number(bits[1] ?? 1), ...generated };
  return { holds: heldBy(type), ...generated };
}

function heldBy(type: string): 'text' | 'number' | 'bytes' | 'any' {
  if (type === '') return 'any';
  if (/^((var)?binary|(tiny|medium|long)?blob|vector)\b/i.test(type)) return 'bytes';
  if (/^(geometry|point|linestring|polygon|multi\w+|geometrycollection|geomcollection)\b/i.test(type))
    return 'bytes';
  return /^((tiny|small|medium|big)?int|integer|decimal|numeric|float|double|real|year)\b/i.test(type)
    ? 'number'
    : 'text';
}

/**
 * The value of a literal, in latin1 view. Bits are the number that they make, bytes `\x00ff`.
 * @returns undefined for anything that such a dump does not have in such a column
 */
export function readMysqlLiteral(literal: string, { holds, isGenerated }: LiteralKind): Value | undefined {
  if (literal === 'NULL') return null;
  if (literal.startsWith("'")) {
    const text = readQuoted(literal);
    // Bytes have no other form but hexadecimal, except when there are none.
    if (holds === 'bytes') return text === '' ? '\\x' : undefined;
    return text === undefined || holds === 'bits' ? undefined : textOf(text);
  }
  const hex = HEX.exec(literal)?.[1];
  if (hex !== undefined) return readHex(hex, holds);
  const bits = BITS.exec(literal)?.[1];
  if (bits !== undefined) return holds === 'bits' ? BigInt(`0b${bits}`).toString() : undefined;
  if (literal === GENERATED) return isGenerated === true ? null : undefined;
  return NUMBER.test(literal) && holds !== 'bits' && holds !== 'bytes' ? literal : undefined;
}

function readHex(hex: string, holds: LiteralKind['holds']): string | undefined {
  if (holds === 'bits') return hex.length > 16 ? undefined : BigInt(`0x${hex}`).toString();
  return holds === 'bytes' || holds === 'any' ? `\\x${hex.toLowerCase()}` : undefined;
}

function readQuoted(literal: string): string | undefined {
  if (literal.length < 2 || !literal.endsWith("'")) return undefined;
  const inside = literal.slice(1, -1);
  if (inside.search(TO_ESCAPE) === -1) return inside;
  const text = inside.replace(/\\([^]?)/g, (pair, letter: string) => ESCAPES[letter] ?? pair);
  // Whatever would not be written so, such a dump does not have.
  return escaped(text) === inside ? text : undefined;
}

function escaped(text: string): string {
  return text.replace(TO_ESCAPE, (character) => ESCAPED.get(character) ?? '');
}

/**
 * A value as a literal, in latin1 view: the same bytes as a dump would have for it.
 * @param value - that fits the column (`mysql-fit.ts`)
 * @returns undefined for lone surrogates that stand for no byte
 */
export function writeMysqlLiteral(value: Value, { holds, bits = 1 }: LiteralKind): string | undefined {
  if (value === null) return 'NULL';
  const hex = BYTES.exec(value)?.[1];
  if (holds === 'bytes' || (holds === 'any' && hex !== undefined))
    return hex === undefined ? undefined : hex === '' ? "''" : `0x${hex.toUpperCase()}`;
  if (holds === 'bits')
    return `0x${BigInt(value)
      .toString(16)
      .toUpperCase()
      .padStart(2 * Math.ceil(bits / 8), '0')}`;
  if (holds === 'number' && NUMBER.test(value)) return value;
  const latin1 = latin1Of(value);
  if (latin1 === undefined) return undefined;
  return `'${escaped(latin1)}'`;
}
