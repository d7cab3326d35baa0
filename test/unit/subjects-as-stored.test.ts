/** What people type is compared as the database prints it, and as nothing else. */
import { expect, test } from 'vitest';
import type { Schema } from '../../src/sources/schema.ts';
import { asStored, isOfOtherType } from '../../src/subjects/as-stored.ts';
import type { Engine } from '../../src/subjects/compare.ts';

function stored(value: string, type: string, engine: Engine = 'postgres'): string | undefined {
  const columns = [{ name: 'id', type, nullable: false, generated: false }];
  const table = { name: 'users', columns, primaryKey: ['id'], uniques: [], foreignKeys: [] };
  const schema = { tables: [table] } as unknown as Schema;
  return asStored({ by: ['id'], known: new Map([['id', value]]) }, 'users', schema, engine).known.get('id');
}

const UUID = '0b1e6c1e-5a53-4a8e-9d5e-0123456789ab';

test.each([
  ['042', 'integer', '42'],
  [' +7 ', 'bigint', '7'],
  ['-007', 'integer', '-7'],
  ['000', 'integer', '0'],
  ['-0', 'integer', '0'],
  ['4 2', 'integer', '4 2'],
  ['042', 'text', '042'],
  ['042', 'character varying(8)', '042'],
  [UUID.toUpperCase(), 'uuid', UUID],
  [`{${UUID.replaceAll('-', '')}}`, 'uuid', UUID],
  ['not one', 'uuid', 'not one'],
])('%j in a column of type %s is %j', (typed, type, expected) => {
  expect(stored(typed, type)).toBe(expected);
});

test('SQLite has numbers of that type, and no UUIDs', () => {
  expect(stored('042', 'INTEGER', 'sqlite')).toBe('42');
  expect(stored(UUID.toUpperCase(), 'uuid', 'sqlite')).toBe(UUID.toUpperCase());
});

test('what is filled with zeros is compared as a number, so it stays as it is', () => {
  expect(stored('00042', 'int(5) unsigned zerofill', 'mysql')).toBe('00042');
});

test('only numbers and UUIDs can be told from something else', () => {
  expect(isOfOtherType('anna', 'integer', 'postgres')).toBe(true);
  expect(isOfOtherType('42', 'uuid', 'postgres')).toBe(true);
  expect(isOfOtherType('42', 'integer', 'postgres')).toBe(false);
  expect(isOfOtherType('anna', 'text', 'postgres')).toBe(false);
  expect(isOfOtherType('anna', 'uuid', 'sqlite')).toBe(false);
});
