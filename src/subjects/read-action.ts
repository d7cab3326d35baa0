/** `erase` and `keep`: what happens to a row. */
import type { Action, Constant, Replacement } from './map.ts';
import { whole, type Field } from './fields.ts';

/** A length in days, weeks, months or years. */
const LENGTH = /^[1-9]\d{0,3}[dwmy]$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The action that `erase` or `keep` states; undefined when there is neither, or when it is wrong.
 * @param fields - those of a table, or of one of its links
 */
export function readAction(owner: Field, fields: ReadonlyMap<string, Field>): Action | undefined {
  const erase = fields.get('erase');
  const keep = fields.get('keep');
  if (erase !== undefined && keep !== undefined)
    return keep.wrong('erase and keep exclude each other', 'key');
  const action = erase === undefined ? keep && readKeep(keep) : readErase(erase);
  return action && owner.findings.place(action, (erase ?? keep ?? owner).path);
}

function readErase(field: Field): Action | undefined {
  if (field.value === 'delete') return { do: 'delete' };
  if (typeof field.value === 'string') return field.wrong('must be delete or { set: … }');
  const set = field.fields(['set'])?.get('set');
  const values = set && readValues(set);
  if (set === undefined && field.value !== null) return field.wrong('must be delete or { set: … }');
  return values && { do: 'set', values };
}

function readKeep(field: Field): Action | undefined {
  const fields = field.fields(['because', 'until', 'set']);
  if (fields === undefined) return undefined;
  const because = fields.get('because')?.text('the legal basis, in words');
  if (!fields.has('because')) field.wrong('because is missing: the legal basis, for the receipt', 'key');
  const until = fields.get('until');
  const set = fields.get('set');
  const values = set === undefined ? new Map<string, Replacement>() : readValues(set);
  if (because === undefined || values === undefined) return undefined;
  const end = until && readUntil(until);
  return { do: 'keep', because, ...(end !== undefined && { until: end }), values };
}

function readUntil(field: Field): string | undefined {
  const text = field.value;
  if (typeof text === 'string' && (LENGTH.test(text) || isDate(text))) return text;
  return field.wrong('must be a date such as 2033-12-31, or a length such as 7y, 18m or 90d');
}

function isDate(text: string): boolean {
  const time = new Date(`${text}T00:00:00Z`);
  return DATE.test(text) && !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text);
}

function readValues(field: Field): ReadonlyMap<string, Replacement> | undefined {
  const entries = field.entries('a map of columns to their new values');
  if (entries === undefined) return undefined;
  if (entries.length === 0) return field.wrong('must name a column');
  const values = entries.map(([column, value]) => {
    const replacement = readReplacement(value);
    return replacement === undefined ? undefined : ([column, replacement] as const);
  });
  const read = whole(values);
  return read && field.findings.place(new Map(read), field.path);
}

function readReplacement(field: Field): Replacement | undefined {
  if (typeof field.value !== 'object' || field.value === null) return readConstant(field);
  const pseudonym = field.fields(['pseudonym'])?.get('pseudonym');
  if (pseudonym === undefined) return field.wrong('must be null, a value, or { pseudonym: true }');
  return pseudonym.declared() && { pseudonym: true };
}

/** A value as the database prints it. What YAML would print differently has to be quoted. */
export function readConstant(field: Field): Constant | undefined {
  const { value } = field;
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'boolean')
    return field.wrong('write it as the database prints it: t or f in PostgreSQL, 1 or 0 in SQLite');
  return field.wrong('must be null, text or a whole number; quote it as the database prints it');
}
