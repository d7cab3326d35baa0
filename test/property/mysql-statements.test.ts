/** Rows of MySQL on their way into segments, and out of them: whatever rows, in whatever statements they come. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { applyEdit } from '../../src/purge/rewrite/edit.ts';
import { cutSegments } from '../../src/purge/rewrite/rewrite.ts';
import { codecFor } from '../../src/rows/codec.ts';
import { splitMysqlData } from '../../src/rows/mysql-dump.ts';
import { insertHead } from '../../src/rows/mysql-head.ts';
import { statementsFor } from '../../src/rows/mysql-statement.ts';
import { ChainKeys } from '../../src/segments/chain-keys.ts';
import { Cutter } from '../../src/segments/cut.ts';
import { joinInserts } from '../../src/sources/mysql/load-inserts.ts';
import type { TableSchema } from '../../src/sources/schema.ts';
import { inPieces, pieceSizes } from './mutated.kit.ts';

const TABLE = { name: '`odd ``t`', columns: ['a', 'b`c'] };
const HEAD = insertHead(TABLE).toString();
const STREAM = { name: TABLE.name, section: 'data', dialect: 'mysql-insert', table: TABLE } as const;
const SIZES = { minBytes: 200, meanBytes: 200, maxBytes: 600, hardBytes: 2000 };
const CUT_TABLE = new ChainKeys(Buffer.alloc(32, 3)).cutTable;
const column = { type: 'longtext', nullable: true, generated: false };
const SCHEMA: TableSchema = {
  ...{ name: TABLE.name, uniques: [], foreignKeys: [], primaryKey: ['a'] },
  columns: TABLE.columns.map((name) => ({ ...column, name, type: name === 'a' ? 'bigint' : 'longtext' })),
};

const text = fc
  .array(fc.constantFrom('x', 'é', ',', ')', '(', ';', "\\'", '\\\\', '\\n', '),(', 'VALUES (', ' '), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));
const value = fc.oneof(
  { weight: 30, arbitrary: text },
  { weight: 1, arbitrary: fc.integer({ min: 1000, max: 7000 }).map((length) => 'y'.repeat(length)) },
);
const rows = fc
  .array(value, { minLength: 1, maxLength: 60 })
  .map((values) => values.map((each, at) => `(${at},'${each}')`));

/** A dump of these rows, in statements as tools of several versions write them. */
function dumpOf(
  all: readonly string[],
  rowsEach: number,
  between: ',\n' | ',',
  behindValues: ' ' | '\n',
): Buffer {
  const statements: string[] = [];
  for (let at = 0; at < all.length; at += rowsEach)
    statements.push(`${HEAD.slice(0, -1)}${behindValues}${all.slice(at, at + rowsEach).join(between)};\n`);
  return Buffer.from(`SET NAMES utf8mb4;\n\n${statements.join('')}-- Dump completed\n`);
}

async function rowsIn(dump: Buffer, sizes: readonly number[]): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const { table, bytes } of splitMysqlData(inPieces(dump, sizes)))
    for await (const piece of bytes) if (table) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** As a backup stores them. */
function segmentsOf(bytes: Buffer): Buffer[] {
  const statements = statementsFor(STREAM);
  const cutter = new Cutter(CUT_TABLE, SIZES);
  cutter.begin(statements?.head.length);
  const cuts = [...cutter.push(bytes)];
  const rest = cutter.finish();
  return [...cuts, ...(rest ? [rest] : [])].flatMap((cut) =>
    (statements?.take(cut) ?? [cut]).map((segment) => Buffer.from(segment)),
  );
}

/** Segments as they are edited: one that is full goes on in the next. */
function unitsOf(segments: readonly Buffer[]): Buffer[] {
  const units: Buffer[] = [];
  let run: Buffer[] = [];
  for (const segment of segments) {
    run.push(segment);
    if (segment.length >= SIZES.hardBytes) continue;
    units.push(Buffer.concat(run));
    run = [];
  }
  return run.length > 0 ? [...units, Buffer.concat(run)] : units;
}

/** The rows that a server would get. */
async function loaded(stored: Buffer, statementBytes = 1 << 20): Promise<string[]> {
  const options = { stream: TABLE.name, table: TABLE.name, statementBytes };
  const statements = await Array.fromAsync(joinInserts(inPieces(stored, [700]), options));
  return statements.flatMap((statement) => {
    const said = statement.toString();
    expect(said.startsWith(HEAD) && said.endsWith(';\n')).toBe(true);
    return said.slice(HEAD.length, -2).split(',\n');
  });
}

describe('rows of MySQL', () => {
  const statementForms = [
    fc.integer({ min: 1, max: 9 }),
    fc.constantFrom(',\n' as const, ',' as const),
    fc.constantFrom(' ' as const, '\n' as const),
  ] as const;

  test.prop([rows, ...statementForms, pieceSizes])(
    'are the same in whatever statements and pieces a dump has them',
    async (all, rowsEach, between, behindValues, sizes) => {
      const found = await rowsIn(dumpOf(all, rowsEach, between, behindValues), sizes);
      expect(found.toString()).toBe(all.map((row) => `${row},\n`).join(''));
    },
  );

  test.prop([rows, fc.integer({ min: 100, max: 3000 })])(
    'are statements in each segment, and together',
    async (all, statementBytes) => {
      const segments = segmentsOf(Buffer.from(all.map((row) => `${row},\n`).join('')));
      expect(await loaded(Buffer.concat(segments), statementBytes)).toEqual(all);
      const each: string[] = [];
      for (const unit of unitsOf(segments)) each.push(...(await loaded(unit)));
      expect(each).toEqual(all);
    },
  );

  test.prop([rows, fc.func(fc.constantFrom('drop', 'change', 'stay', 'stay'))], { numRuns: 300 })(
    'can be left out and changed in any segment, which is a statement still',
    async (all, decide) => {
      const codec = codecFor('mysql-insert', TABLE, SCHEMA);
      const expected = all.flatMap((row, at) => {
        const what = decide(at);
        return what === 'drop' ? [] : [what === 'change' ? row.replace(/,'.*'\)$/, ",'new')") : row];
      });
      const stored: Buffer[] = [];
      for (const plain of unitsOf(segmentsOf(Buffer.from(all.map((row) => `${row},\n`).join(''))))) {
        const edits = [...codec.rows(plain, false)].flatMap(({ start, end }) => {
          const what = decide(Number(codec.read(plain.subarray(start, end), [0])[0]));
          const change = what === 'drop' ? ('drop' as const) : new Map([[1, 'new']]);
          return what === 'stay' ? [] : [{ start, end, change }];
        });
        const unit = { key: 'unit' } as Parameters<typeof applyEdit>[1]['unit'];
        const edited = applyEdit(plain, { unit, isFirst: false, edits }, codec);
        if (edited.length > 0) await loaded(edited);
        // Edited once more, without an edit, it stays as it is.
        expect(applyEdit(edited, { unit, isFirst: false, edits: [] }, codec)).toEqual(edited);
        stored.push(edited);
      }
      expect(await loaded(Buffer.concat(stored))).toEqual(expected);
    },
  );

  test('that end just where a segment may hold no more end their statement', async () => {
    let alone = 0;
    // One byte more and less: the row's end is in the full segment, between it and the next, or in the next.
    for (
      let length = SIZES.hardBytes - HEAD.length - 12;
      length < SIZES.hardBytes - HEAD.length + 3;
      length += 1
    ) {
      const all = [`(1,'${'x'.repeat(length)}')`];
      const segments = segmentsOf(Buffer.from(`${all.join('')},\n`));
      expect(await loaded(Buffer.concat(segments))).toEqual(all);
      expect(unitsOf(segments)).toHaveLength(1);
      if (segments.at(-1)?.length === 1) alone += 1;
    }
    expect(alone).toBe(1);
  });

  test('too long for one segment after an edit are statements in each of those that follow', async () => {
    const codec = codecFor('mysql-insert', TABLE, SCHEMA);
    const all = Array.from({ length: 40 }, (_, at) => `(${at},'${'z'.repeat(at === 7 ? 900_000 : 10_000)}')`);
    const plain = Buffer.from(`${HEAD}${all.join(',\n')};\n`);
    const [first] = [...codec.rows(plain, true)];
    if (first === undefined) throw new Error('no row');
    const unit = { key: 'unit' } as Parameters<typeof applyEdit>[1]['unit'];
    const edits = [{ start: first.start, end: first.end, change: 'drop' as const }];
    const segments = cutSegments(applyEdit(plain, { unit, isFirst: true, edits }, codec), 1_000_000);
    expect(segments.length).toBe(2);
    const each: string[] = [];
    for (const segment of segments) each.push(...(await loaded(segment)));
    expect(each).toEqual(all.slice(1));
  });
});
