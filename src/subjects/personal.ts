/** Which columns look personal, by their names and types. A hint for people, never a proof of the opposite. */
import type { ColumnSchema, TableSchema } from '../sources/schema.ts';
import { bareName } from './reference.ts';
import { familyOf } from './types.ts';

export interface PersonalColumn {
  readonly column: string;
  /** Half a sentence: `an e-mail address`. */
  readonly reason: string;
  /** False for what may hold anything, a person's data too: JSON, free text. */
  readonly isLikely: boolean;
}

/** The columns of a table that look personal, in their order. */
export function personalColumns(table: TableSchema): readonly PersonalColumn[] {
  const about = wordsOf(bareName(table.name));
  return table.columns.flatMap((column) => judge(column, about) ?? []);
}

function judge(column: ColumnSchema, table: readonly string[]): PersonalColumn | undefined {
  const words = wordsOf(column.name);
  const name = ` ${words.join(' ')} `;
  const likely = BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? byType(column);
  if (likely !== undefined && !isFlag(column)) return { column: column.name, reason: likely, isLikely: true };
  if (/^ (full |display |nick )?name $/.test(name) && table.some(isPersonWord))
    return { column: column.name, reason: 'the name of a person', isLikely: true };
  const open = anything(column, name);
  if (open === undefined) return undefined;
  return { column: column.name, reason: open, isLikely: table.some((word) => RECORDS.has(word)) };
}

const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/ (e mail|email|mail address) /, 'an e-mail address'],
  [/ (phone|telephone|mobile|cell|fax|msisdn|whatsapp) /, 'a phone number'],
  [
    / (first|last|given|family|sur|middle|maiden|full|display|nick|real|legal) ?name | (surname|forename|lastname|firstname|fullname|nickname) /,
    'the name of a person',
  ],
  [
    / (ship|shipping|bill|billing|contact|recipient|sender|customer|author|holder|guest|owner|user) (to )?name /,
    'the name of a person',
  ],
  [/ (username|user name|login|handle|screen name) /, 'a user name'],
  [/ (address|addr|street|postcode|postal|zip|zipcode|house number) /, 'a postal address'],
  [/ (birth|birthday|birthdate|dob|born) | birth (date|day|place) /, 'a date or place of birth'],
  [
    / (ssn|sin|nin|nino|passport|national id|tax id|vat id|cpf|curp|license number|licence number|driving licen[cs]e) /,
    'an official number',
  ],
  [/ (iban|bic|account number|card number|pan|cvv|credit card) /, 'a bank or card number'],
  [/ (ip|ip address|remote addr|client ip|mac address) /, 'a network address'],
  [/ (lat|lng|latitude|longitude|geo|geolocation|location|coordinates) /, 'a place where somebody was'],
  [/ (gender|sex|ethnicity|race|religion|nationality|marital status) /, 'a trait of a person'],
  [/ (diagnosis|medication|allergy|allergies|blood type|disability) /, 'health data'],
  [
    / (password|passwd|pwd|secret|token|api key|otp|totp|recovery code) | password (hash|digest) /,
    'a credential',
  ],
  [/ (user agent|device id|advertising id|idfa|cookie|session id|fingerprint) /, 'the trace of a device'],
  [/ (avatar|photo|portrait|selfie|signature|voice) /, 'a picture or voice of a person'],
];

function byType({ type }: ColumnSchema): string | undefined {
  if (/^(inet|cidr|macaddr8?)$/.test(type)) return 'a network address';
  if (/(^|\.)(geography|geometry)\b|^point$/.test(type)) return 'a place where somebody was';
  return undefined;
}

/** `email_verified boolean`, `password_changed_at timestamp`, `address_id bigint` say something about it only. */
function isFlag({ name, type }: ColumnSchema): boolean {
  const family = familyOf(type);
  if (family === 'boolean') return true;
  const last = wordsOf(name).at(-1) ?? '';
  if (family === 'time' || last === 'at') return !/birth|dob|born/i.test(name);
  return (
    ['id', 'type', 'count', 'length', 'verified', 'enabled', 'status'].includes(last) && family !== 'text'
  );
}

function anything({ type }: ColumnSchema, name: string): string | undefined {
  const family = familyOf(type);
  if (family === 'json' || /(^|\.)(hstore|xml)$/.test(type)) return `${type}, which may hold anything`;
  if (family !== 'text' && family !== 'any' && family !== 'bytes') return undefined;
  if (FREE_TEXT.test(name)) return 'free text';
  return undefined;
}

const FREE_TEXT =
  / (note|notes|comment|comments|message|body|content|text|subject|description|bio|about|remarks?|feedback|details?|payload|metadata|data|diff|changes|before|after|params|query|url|referrer|referer) /;

/** Tables that record what happened: their free columns hold copies of other tables' values. */
const RECORDS = new Set([
  'audit',
  'log',
  'logs',
  'event',
  'events',
  'history',
  'version',
  'versions',
  'outbox',
  'queue',
  'job',
  'jobs',
  'archive',
]);

const PERSONS = new Set(
  'user customer person people member contact employee patient account profile author guest student subscriber client lead candidate applicant recipient participant visitor tenant owner'.split(
    ' ',
  ),
);

/** True for `user`, `users`, `people`: words for somebody. */
function isPersonWord(word: string): boolean {
  return PERSONS.has(word) || PERSONS.has(word.replace(/s$/, ''));
}

/** `shipAddress_line1` → ship, address, line. */
function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '');
}
