/** Goal: an edit does what it says and nothing else, or fails. */
import { describe, expect, test } from 'vitest';
import { applyEdit } from '../../src/purge/rewrite/edit.ts';
import type { RowEdit, Unit } from '../../src/purge/locate/located.ts';
import { codecFor } from '../../src/rows/codec.ts';

const columns = ['id', 'name'].map((name) => ({ name, type: 'text', nullable: true, generated: false }));
const codec = codecFor(
  'pg-copy',
  { name: 'public.t', columns: ['id', 'name'] },
  { name: 'public.t', columns, primaryKey: ['id'], uniques: [], foreignKeys: [] },
);
const HEADER = 'COPY public.t (id, name) FROM stdin;\n';
const unit: Unit = { place: { set: 's', writer: 'w', chain: 1 }, segments: [], key: 'w-1/030/x/0' };

function edit(plain: string, isFirst: boolean, edits: readonly RowEdit[]): string {
  return applyEdit(Buffer.from(plain), { unit, isFirst, edits }, codec).toString();
}

const UNSOUND = expect.objectContaining({ code: 'PURGE_EDIT_UNSOUND', exit: 'verification' }) as Error;

describe('applyEdit', () => {
  test('drops and changes rows, and leaves every other byte', () => {
    const plain = '1\ta\n2\tb\\tb\n3\t\\N\n';
    const edits: RowEdit[] = [
      { start: 0, end: 4, change: 'drop' },
      { start: 4, end: 11, change: new Map([[1, 'c\td']]) },
    ];
    expect(edit(plain, false, edits)).toBe('2\tc\\td\n3\t\\N\n');
  });

  test('leaves header and end when all rows go, and nothing where there are none', () => {
    const at = HEADER.length;
    const plain = `${HEADER}1\ta\n\\.\n`;
    expect(edit(plain, true, [{ start: at, end: at + 4, change: 'drop' }])).toBe(`${HEADER}\\.\n`);
    expect(edit('1\ta\n', false, [{ start: 0, end: 4, change: 'drop' }])).toBe('');
  });

  test('refuses what is no row of the unit', () => {
    expect(() => edit('1\ta\n2\tb\n', false, [{ start: 1, end: 4, change: 'drop' }])).toThrow(UNSOUND);
    expect(() => edit('1\ta\n2\tb\n', false, [{ start: 0, end: 8, change: 'drop' }])).toThrow(UNSOUND);
    expect(() => edit(`${HEADER}1\ta\n`, true, [{ start: 0, end: HEADER.length, change: 'drop' }])).toThrow(
      UNSOUND,
    );
  });

  test('proves the result: a codec that does not write what it was told is found out', () => {
    const lazy = { ...pick(), edit: (row: Buffer) => row };
    const edits: RowEdit[] = [{ start: 0, end: 4, change: new Map([[1, 'b']]) }];
    expect(() => applyEdit(Buffer.from('1\ta\n'), { unit, isFirst: false, edits }, lazy)).toThrow(UNSOUND);
    const double = { ...pick(), edit: (row: Buffer) => Buffer.concat([row, row]) };
    expect(() => applyEdit(Buffer.from('1\ta\n'), { unit, isFirst: false, edits }, double)).toThrow(UNSOUND);
  });
});

/** The codec as an object of which parts can be replaced. */
function pick() {
  return {
    columns: codec.columns,
    rows: codec.rows.bind(codec),
    scan: codec.scan.bind(codec),
    read: codec.read.bind(codec),
    fields: codec.fields.bind(codec),
    edit: codec.edit.bind(codec),
  };
}
