/**
 * What people type, as the database would print it. A customer with the number 42 is asked for as 042, and a UUID in
 * capitals: the database takes both for the same, and rows are compared here by what they print.
 */
import type { Schema } from '../sources/schema.ts';
import { fullType, storedTables } from '../sources/schema.ts';
import type { Subject } from './closure.ts';
import type { Engine } from './compare.ts';
import { familyOf } from './types.ts';

/** A subject in terms of the root table of this schema; what is of no such type stays as it was typed. */
export function asStored(subject: Subject, root: string, schema: Schema, engine: Engine): Subject {
  const [table] = storedTables(schema, root);
  const types = new Map(table?.columns.map((column) => [column.name, fullType(column)]));
  const known = [...subject.known].map(([column, value]): [string, string] => [
    column,
    printed(value, types.get(column) ?? '', engine) ?? value,
  ]);
  return { by: subject.by, known: new Map(known) };
}

/** True when no value of this type is written like this. SQLite keeps whatever it is given, so there it is a guess. */
export function isOfOtherType(value: string, type: string, engine: Engine): boolean {
  const family = familyOf(type);
  return (family === 'integer' || family === 'uuid') && printed(value, type, engine) === undefined;
}

function printed(value: string, type: string, engine: Engine): string | undefined {
  const family = familyOf(type);
  if (family === 'integer') return wholeNumber(value, /\bzerofill\b/i.test(type));
  // In SQLite that is a name for text, or for bytes.
  if (family === 'uuid') return engine === 'sqlite' ? value : uuid(value);
  return value;
}

const WHOLE = /^\s*([+-]?)0*(\d+)\s*$/;

function wholeNumber(text: string, isFilled: boolean): string | undefined {
  const [, sign = '', digits] = WHOLE.exec(text) ?? [];
  if (digits === undefined) return undefined;
  // Compared as a number, whatever it is filled with.
  if (isFilled) return text;
  return sign === '-' && digits !== '0' ? `-${digits}` : digits;
}

function uuid(text: string): string | undefined {
  const digits = text
    .trim()
    .toLowerCase()
    .replace(/^\{|\}$|-/g, '');
  const parts = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(digits);
  return parts?.slice(1).join('-');
}
