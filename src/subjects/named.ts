/** From what people type to a subject: `customer=42`, `email=a@b.c`. */
import { HoldfastError } from '../errors.ts';
import type { Subject } from './closure.ts';
import type { SubjectMap } from './map.ts';

/**
 * The subject that is meant. Of a key of several columns the values stand in the key's order, with commas between.
 * @throws HoldfastError SUBJECT_UNKNOWN, without the value
 */
export function namedSubject({ subject, root }: Pick<SubjectMap, 'subject' | 'root'>, text: string): Subject {
  const at = text.indexOf('=');
  const name = at === -1 ? '' : text.slice(0, at).trim();
  const value = text.slice(at + 1);
  if (name === '' || value === '') throw subjectUnknown(subject, root);
  if (root.lookup.has(name)) return { by: [name], known: new Map([[name, value]]) };
  const isKey = name === subject || (root.key.length === 1 && root.key[0] === name);
  const values = root.key.length === 1 ? [value] : value.split(',');
  if (!isKey || values.length !== root.key.length) throw subjectUnknown(subject, root);
  return { by: root.key, known: new Map(root.key.map((column, index) => [column, values[index] ?? ''])) };
}

function subjectUnknown(subject: string, root: SubjectMap['root']): HoldfastError {
  const key = root.key.map(() => 'VALUE').join(',');
  const ways = [`${subject}=${key}`, ...[...root.lookup.keys()].map((column) => `${column}=VALUE`)];
  return new HoldfastError({
    code: 'SUBJECT_UNKNOWN',
    exit: 'usage',
    message: 'this does not say who is meant',
    hint: `By the subject map it is one of: ${ways.map((way) => `--subject ${way}`).join(', ')}.`,
  });
}
