/**
 * The forms in which somebody's identifier may stand in a dump: other cases, other Unicode normal forms, and the
 * encodings that text goes through on its way into a column and into a dump.
 *
 * What these forms do not cover, a scan does not find: compressed or encrypted columns, base64 wrapped into lines,
 * encodings inside encodings other than those listed, misspellings. Whoever reports a scan must say so.
 */
import type { Form } from './form.ts';
import { phoneForms } from './phone.ts';

/** Shorter forms than this many bytes are in every dump: they would find everybody. */
const FORM_BYTES_MIN = 4;

/**
 * All forms of an identifier (an e-mail address, a name, a phone number), without doubles.
 * @returns an empty list for values that are too short to be looked for: the caller must say so
 */
export function formsOf(value: string): Form[] {
  const trimmed = value.trim();
  if (Buffer.byteLength(trimmed) < FORM_BYTES_MIN) return [];
  const forms = new Map<string, Form>();
  const add = (form: Form): void => {
    const key = `${form.caseBlind ? folded(form.bytes) : form.bytes.toString('latin1')} ${form.digits ?? ''}`;
    if (form.bytes.length >= FORM_BYTES_MIN && !forms.has(key)) forms.set(key, form);
  };
  for (const spelling of spellings(trimmed)) {
    for (const [how, text] of writings(spelling))
      add({ bytes: Buffer.from(copyEscaped(text)), caseBlind: true, how });
    // What is inside bytes may itself be JSON, or an address.
    for (const [how, bytes] of encodings(spelling)) {
      add({ bytes, caseBlind: true, how });
      add({ bytes: Buffer.from(bytes.toString('hex')), caseBlind: true, how: 'hex' });
      for (const part of base64Forms(bytes)) add({ bytes: part, caseBlind: false, how: 'base64' });
    }
  }
  for (const form of phoneForms(trimmed)) add(form);
  return [...forms.values()];
}

function folded(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Cases and normal forms. */
function spellings(value: string): Set<string> {
  const cases = [value, value.toLowerCase(), value.toUpperCase(), titled(value)];
  return new Set(cases.flatMap((text) => [text, text.normalize('NFC'), text.normalize('NFD')]));
}

function titled(value: string): string {
  return value.toLowerCase().replace(/(?<![\p{L}\p{N}])\p{L}/gu, (letter) => letter.toUpperCase());
}

/** What is percent-encoded: all but RFC 3986's unreserved characters, and as encodeURIComponent and encodeURI do it. */
const URL_STRICT = /[^A-Za-z0-9\-_.~]/g;
const URL_KINDS = [URL_STRICT, /[^A-Za-z0-9\-_.~!*'()]/g, /[^A-Za-z0-9\-_.~!*'();/?:@&=+$,#]/g];
/** The same where a blank becomes a plus sign: of the URL standard's forms, and of Python's `quote_plus`. */
const FORM_KINDS = [/[^A-Za-z0-9*\-._ ]/g, /[^A-Za-z0-9\-_.~ ]/g];

/** The spelling as text of several kinds. */
function writings(text: string): (readonly [string, string])[] {
  const json = inside(JSON.stringify(text));
  const ascii = json.replace(/[^\0-\x7f]/g, (unit) => `\\u${hexOf(unit)}`);
  return [
    ['text', text],
    ['json', json],
    ['json', ascii],
    // Go writes <, > and & so, PHP the slash.
    ['json', ascii.replace(/[<>&]/g, (unit) => `\\u${hexOf(unit)}`)],
    ['json', json.replaceAll('/', '\\/')],
    ['json', ascii.replaceAll('/', '\\/')],
    // JSON as a string within JSON, and an array's element.
    ['json in json', inside(JSON.stringify(json))],
    ['json in json', inside(JSON.stringify(ascii))],
    ['sql', text.replaceAll("'", "''")],
    ['sql', text.replaceAll("'", "''''")],
    // PostgreSQL's quote_literal, and MySQL's and PHP's way.
    ['sql', text.replace(/['\\]/g, '$&$&')],
    ['sql', text.replace(/['"\\]/g, '\\$&')],
    ['sql', json.replaceAll("'", "''")],
    ['html', entities(text, (code) => `&#${code};`)],
    ['html', entities(text, (code) => `&#x${code.toString(16)};`)],
    ['html', entities(text, undefined)],
    ...URL_KINDS.map((kind) => ['url', percent(text, kind)] as const),
    ...FORM_KINDS.map((kind) => ['url', percent(text, kind).replaceAll(' ', '+')] as const),
    ['url in url', percent(percent(text, URL_STRICT), /%/g)],
    ['quoted-printable', percent(text, /[^\x20-\x3c\x3e-\x7e]/g).replaceAll('%', '=')],
  ];
}

function inside(json: string): string {
  return json.slice(1, -1);
}

function hexOf(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, '0');
}

const NAMED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** What HTML must escape by name; with `numbered`, characters above ASCII by number. */
function entities(text: string, numbered: ((code: number) => string) | undefined): string {
  const named = text.replace(/[&<>"']/g, (character) => NAMED[character] ?? character);
  if (numbered === undefined) return named;
  return named.replace(/[^\0-\x7f]/gu, (character) => numbered(character.codePointAt(0) ?? 0));
}

/** Characters of this kind as %XX of their bytes; a percent sign that is there already stays when it is not of them. */
function percent(text: string, which: RegExp): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(which, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`);
}

const COPY_ESCAPES: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

function copyEscaped(text: string): string {
  return text.replace(/[\b\f\n\r\t\v\\]/g, (character) => COPY_ESCAPES[character] ?? character);
}

/** All writings of the spelling as bytes. */
function encodings(text: string): (readonly [string, Buffer])[] {
  return writings(text).flatMap(([how, written]) => {
    const wide = Buffer.from(written, 'utf16le');
    const isLatin1 = /^[\0-\xff]*$/.test(written);
    return [
      [how, Buffer.from(written)] as const,
      ['utf-16', wide] as const,
      ['utf-16', Buffer.from(wide).swap16()] as const,
      ...(isLatin1 ? [['latin-1', Buffer.from(written, 'latin1')] as const] : []),
    ];
  });
}

/** The part of its base64 that depends on nothing around it, at each of the three places where it may begin. */
function* base64Forms(bytes: Buffer): Iterable<Buffer> {
  for (const offset of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor(((offset + bytes.length) * 8) / 6);
    const sure = text.slice(from, to);
    yield Buffer.from(sure);
    yield Buffer.from(sure.replaceAll('+', '-').replaceAll('/', '_'));
  }
}
