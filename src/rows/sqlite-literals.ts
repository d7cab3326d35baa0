/**
 * SQLite values as literals, in the forms that our own dumps have (`sources/sqlite/render.ts`) and in no others:
 * integers, reals, `'text'`, `replace('one\nline','\n',char(10))`, `X'00ff'`, `CAST(X'61ff' AS TEXT)`, and
 * `(1.0/1125899906842624.0)` for numbers near zero. `unistr(…)` of the sqlite3 shell is not among them.
 */
import { latin1Of, textOf, type Value } from './values.ts';

/** `PRAGMA encoding` of a database. */
export type TextEncoding = 'UTF-8' | 'UTF-16le' | 'UTF-16be';

const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;
const REAL = /^-?[0-9]+\.[0-9]+(e[+-]?[0-9]+)?$/;
const TINY = /^\((-?[0-9]+\.0)((?:\/[0-9]+\.0)+)\)$/;
const BLOB = /^X'((?:[0-9a-fA-F]{2})*)'$/;
const RAW_TEXT = /^CAST\(X'((?:[0-9a-fA-F]{2})*)' AS TEXT\)$/;
/** The end of `replace('…','\n',char(10))`: what stands for a line end, and which one. */
const PLACEHOLDER = /,'(\\n|\\012|\(\\n[0-9]{1,9}\)|\\r|\\015|\(\\r[0-9]{1,9}\))',char\((10|13)\)\)$/;
const PLACEHOLDER_MOST = 40;

/**
 * The value of a literal, in latin1 view.
 * @returns undefined for anything that our dumps do not contain
 */
export function readLiteral(literal: string, encoding: TextEncoding): Value | undefined {
  if (literal === 'NULL') return null;
  const first = literal.charAt(0);
  if (first === "'" || first === 'r') {
    const text = readText(literal);
    return text === undefined ? undefined : textOf(text);
  }
  if (first === 'X') return hexValue(BLOB.exec(literal)?.[1]);
  if (first === 'C') return rawText(RAW_TEXT.exec(literal)?.[1], encoding);
  return readNumber(literal);
}

function readNumber(literal: string): string | undefined {
  if (INTEGER.test(literal))
    return BigInt.asIntN(64, BigInt(literal)).toString() === literal ? literal : undefined;
  if (literal === '9e999') return 'Inf';
  if (literal === '-9e999') return '-Inf';
  if (REAL.test(literal)) return realText(Number(literal));
  const [, integer, divisors] = TINY.exec(literal) ?? [];
  if (integer === undefined || divisors === undefined) return undefined;
  return realText(
    divisors
      .slice(1)
      .split('/')
      .map(Number)
      .reduce((value, by) => value / by, Number(integer)),
  );
}

/** The shortest text that gives the same number, in SQLite's notation: with a point always. */
function realText(value: number): string {
  if (!Number.isFinite(value)) return value > 0 ? 'Inf' : '-Inf';
  const digits = Object.is(value, -0) ? '-0' : String(value);
  if (digits.includes('.')) return digits;
  return digits.includes('e') ? digits.replace('e', '.0e') : `${digits}.0`;
}

/** Text in latin1 view; quotes and `replace` undone. */
function readText(literal: string): string | undefined {
  if (literal.startsWith("'")) return readQuoted(literal);
  const tail = PLACEHOLDER.exec(literal.slice(-PLACEHOLDER_MOST));
  if (!literal.startsWith('replace(') || tail === null) return undefined;
  const [end, placeholder = '', code] = tail;
  const inner = readText(literal.slice('replace('.length, -end.length));
  return inner?.replaceAll(placeholder, code === '10' ? '\n' : '\r');
}

function readQuoted(literal: string): string | undefined {
  if (literal.length < 2 || !literal.endsWith("'") || literal.includes('\0')) return undefined;
  const inside = literal.slice(1, -1);
  if (!inside.includes("'")) return inside;
  const undone = inside.replaceAll("''", "'");
  // Every quote inside must have been one of a pair.
  return undone.replaceAll("'", "''") === inside ? undone : undefined;
}

function hexValue(hex: string | undefined): string | undefined {
  return hex === undefined ? undefined : `\\x${hex.toLowerCase()}`;
}

/** Bytes in the database's encoding; what no string can hold (half a UTF-16 unit) is shown as bytes. */
function rawText(hex: string | undefined, encoding: TextEncoding): string | undefined {
  if (hex === undefined) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  if (encoding === 'UTF-8') return textOf(bytes.toString('latin1'));
  if (bytes.length % 2 !== 0) return hexValue(hex);
  return (encoding === 'UTF-16be' ? bytes.swap16() : bytes).toString('utf16le');
}

/**
 * A new value as a literal, in latin1 view; the same bytes as a dump would have for it.
 *
 * @param type - the column's declared type
 * @param wasBlob - the value before was a BLOB, so text that looks like one is one
 * @returns undefined for lone surrogates that no encoding holds
 */
export function writeLiteral(
  value: Value,
  type: string,
  wasBlob: boolean,
  encoding: TextEncoding,
): string | undefined {
  if (value === null) return 'NULL';
  const isBlob = (wasBlob || /blob/i.test(type)) && /^\\x([0-9a-f]{2})*$/i.test(value);
  if (isBlob) return `X'${value.slice(2)}'`;
  if (isNumeric(type) && INTEGER.test(value) && readNumber(value) !== undefined) return value;
  return writeText(value, encoding);
}

/** Whether text that looks like a number becomes one here ("Type Affinity" in SQLite's datatype3.html). */
function isNumeric(type: string): boolean {
  if (/int/i.test(type)) return true;
  if (/char|clob|text|blob/i.test(type) || type === '') return false;
  // A STRICT table leaves values of a column of type ANY as they are.
  return !/^any$/i.test(type);
}

function writeText(value: string, encoding: TextEncoding): string | undefined {
  const needsBytes =
    value.includes('\0') || !value.isWellFormed() || (encoding !== 'UTF-8' && /[\ufffe\uffff]/.test(value));
  if (needsBytes) {
    const bytes = encodeText(value, encoding);
    return bytes === undefined ? undefined : `CAST(X'${bytes.toString('hex')}' AS TEXT)`;
  }
  const lf = value.includes('\n') ? unusedIn(value, '\\n', '\\012') : undefined;
  const cr = value.includes('\r') ? unusedIn(value, '\\r', '\\015') : undefined;
  let text = value.replaceAll("'", "''");
  if (lf !== undefined) text = text.replaceAll('\n', () => lf);
  if (cr !== undefined) text = text.replaceAll('\r', () => cr);
  let literal = `'${text}'`;
  if (cr !== undefined) literal = `replace(${literal},'${cr}',char(13))`;
  if (lf !== undefined) literal = `replace(${literal},'${lf}',char(10))`;
  return latin1Of(literal);
}

/** The first of `first`, `second`, `(first0)`, `(first1)`, … that the text does not contain. */
function unusedIn(text: string, first: string, second: string): string {
  if (!text.includes(first)) return first;
  if (!text.includes(second)) return second;
  for (let number = 0; ; number += 1) {
    const candidate = `(${first}${number})`;
    if (!text.includes(candidate)) return candidate;
  }
}

function encodeText(value: string, encoding: TextEncoding): Buffer | undefined {
  if (encoding === 'UTF-8') {
    const latin1 = latin1Of(value);
    return latin1 === undefined ? undefined : Buffer.from(latin1, 'latin1');
  }
  const bytes = Buffer.from(value, 'utf16le');
  return encoding === 'UTF-16le' ? bytes : bytes.swap16();
}
