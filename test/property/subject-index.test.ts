/**
 * The subject index never hides anybody: whatever matches a query lies in a segment that it offers, for every kind of
 * comparison and whatever the values are. How much it saves is looked at once, for large tables of numbers.
 */
import { randomBytes } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, test as example } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { codecFor, type Value } from '../../src/rows/codec.ts';
import type { SegmentRef } from '../../src/repository/pages.ts';
import { seal } from '../../src/segments/work.ts';
import type { TableSchema } from '../../src/sources/schema.ts';
import { IndexCollector, type IndexContent, type IndexedPlace } from '../../src/subject-index/content.ts';
import { eraseFromIndex } from '../../src/subject-index/erase.ts';
import { ErasedKeys } from '../../src/subject-index/erased-keys.ts';
import { HalfSipHash } from '../../src/subject-index/half-siphash.ts';
import { hashOfKey } from '../../src/subject-index/keys.ts';
import { IndexObject } from '../../src/subject-index/open.ts';
import { indexedMatch, matchId, type StreamPlan } from '../../src/subject-index/plan.ts';
import { KeyReader } from '../../src/subject-index/read-keys.ts';
import { sealIndex, type SealBlock, type SealedIndex } from '../../src/subject-index/seal.ts';
import { CANONICAL_FORMS } from '../../src/subjects/canonical.ts';
import { matches, type Query } from '../../src/subjects/access.ts';
import { keyOf, type Comparison } from '../../src/subjects/compare.ts';
import type { Match } from '../../src/subjects/relations.ts';
import { whatMayHold } from './index-look-up.ts';

const COLUMNS = ['id', 'name', 'mail', 'doc'];
const TABLE = { name: 'public.people', columns: COLUMNS };
const SCHEMA: TableSchema = {
  name: TABLE.name,
  columns: COLUMNS.map((name) => ({ name, type: 'text', nullable: true, generated: false })),
  primaryKey: ['id'],
  uniques: [],
  foreignKeys: [],
};
const HASH_KEY = '0001020304050607';

type Row = readonly Value[];

const ids = fc.oneof(
  fc.integer({ min: -30, max: 200 }).map(String),
  fc.constantFrom('0', '-0', '007', '999999999999999', '9999999999999999', '1.0', '1e0', '+1'),
);
const texts = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    'a',
    'A',
    ' Ä',
    'ä ',
    '\ta\n',
    'a\\N',
    '\\.',
    'COPY x',
    '+1 (2) 3',
    '00123',
    'ſ',
    'İ',
    '\u00a0x',
  ),
  fc.constantFrom('\udc80', 'x\udcffy', '1.50', '1.5', '٣'),
  fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\0\r]/.test(text)),
);
const docs = fc.constantFrom(
  null,
  '{"user":{"id":7}}',
  '{"ids":[1,"2",{"id":"a"}]}',
  '{"ids":["A","a",true]}',
  '[]',
);
const rows: fc.Arbitrary<Row> = fc.tuple<Value[]>(
  fc.option(ids, { freq: 9 }),
  fc.option(texts),
  fc.option(texts),
  docs,
);

const comparison: fc.Arbitrary<Comparison> = fc.oneof(
  fc.constantFrom(...CANONICAL_FORMS).map((form) => ({ form, kind: 'exact' as const })),
  fc
    .constantFrom('number' as const, 'padded' as const, 'folded' as const)
    .map((kind) => ({ form: 'exact' as const, kind })),
);
const anyMatch: fc.Arbitrary<Match> = fc.oneof(
  fc.tuple(fc.constantFrom('id', 'name', 'mail'), comparison).map(([column, one]): Match => ({
    kind: 'columns',
    columns: [column],
    comparisons: [one],
    when: new Map(),
  })),
  fc.tuple(comparison, comparison).map(([one, other]): Match => ({
    kind: 'columns',
    columns: ['name', 'id'],
    comparisons: [one, other],
    when: new Map([['mail', 'a']]),
  })),
  fc.tuple(fc.constantFrom('$.user.id', '$.ids[*]', '$.ids[*].id'), comparison).map(([path, one]): Match => ({
    kind: 'json',
    column: 'doc',
    path,
    comparisons: [one],
    when: new Map(),
  })),
);

const LF = Buffer.from('\n');
const codec = codecFor('pg-copy', TABLE, SCHEMA);
const EMPTY_ROW = Buffer.from('\\N\t\\N\t\\N\t\\N\n');

function written(row: Row): Buffer {
  return codec.edit(EMPTY_ROW, new Map(row.map((value, at) => [at, value])));
}

/** The rows of each segment, and its bytes: a COPY block cut at row ends. */
function segmentsOf(
  all: readonly (readonly Row[])[],
): { readonly rows: readonly Row[]; readonly plain: Buffer }[] {
  const header = Buffer.from(`COPY public.people (${COLUMNS.join(', ')}) FROM stdin;\n`);
  return all.map((some, at) => ({
    rows: some,
    plain: Buffer.concat([
      ...(at === 0 ? [header] : []),
      ...some.map(written),
      ...(at === all.length - 1 ? [Buffer.from('\\.'), LF] : []),
    ]),
  }));
}

function planOf(some: readonly Match[]): StreamPlan {
  return {
    dialect: 'pg-copy',
    table: TABLE,
    schema: SCHEMA,
    matches: some.map(indexedMatch),
    hashKey: HASH_KEY,
  };
}

const place = (at: number) => ({
  pack: `030/${String(Math.floor(at / 3)).padStart(16, '0')}`,
  offset: (at % 3) * 1000,
});

/** Objects by name: blocks of one may lie in another. */
type Chain = Map<string, Buffer>;

const sealing: SealBlock = (plain, key, level) => seal({ kind: 'seal', plain, key, level });

async function put(chain: Chain, content: IndexContent): Promise<SegmentRef> {
  const key = randomBytes(32);
  return keep(chain, await sealIndex(content, key, sealing), key);
}

function keep(chain: Chain, { bytes, directory, segments }: SealedIndex, key: Buffer): SegmentRef {
  const pack = `030/${String(chain.size).padStart(16, 'f')}`;
  chain.set(pack, bytes);
  return { pack, ...directory, rows: segments, key: key.toString('hex') };
}

function opened(ref: SegmentRef, chain: Chain): Promise<IndexObject> {
  const read = (offset: number, length: number, elsewhere = ref.pack) =>
    Promise.resolve(chain.get(elsewhere)?.subarray(offset, offset + length) ?? Buffer.alloc(0));
  return IndexObject.open(ref, read, 'index');
}

async function fresh(content: IndexContent): Promise<IndexObject> {
  const chain: Chain = new Map();
  return opened(await put(chain, content), chain);
}

const nameOf = ({ pack, offset }: IndexedPlace) => `${pack} ${offset}`;

/** What an object says, all of it, of keys of these rows in segments that were taken out. */
async function left(
  object: IndexObject,
  out: ReadonlySet<string>,
  erased: readonly Row[],
  some: readonly Match[],
): Promise<string[]> {
  const hash = new HalfSipHash(Buffer.from(HASH_KEY, 'hex'));
  const found: string[] = [];
  for (const { segments, columns } of (await object.content()).tables) {
    for (const { match, bits, keys } of columns) {
      const own = some.find((one) => matchId(indexedMatch(one)) === matchId(match));
      if (own?.kind !== 'columns') continue;
      const values = new Set(
        [...keysOf(own, erased)].map((key) => hashOfKey(hash, key) >>> (32 - bits || 0)),
      );
      for (const [at, one] of keys.entries()) {
        const listed = segments[at];
        if (listed && !out.has(nameOf(listed))) continue;
        if (one.kind === 'runs') found.push(`runs of segment ${at}`);
        else
          for (const value of one.hashes)
            if (values.has(value >>> (32 - bits))) found.push(`${value} in ${at}`);
      }
    }
  }
  return found;
}

/** All keys that rows have, and some that they have not. */
function keysOf(match: Match, all: readonly Row[]): Set<string> {
  if (match.kind === 'json') return new Set(['7', '7e0', '1', '1e0', '2', 'a', 'A', 'true', 'nobody']);
  const own = all.flatMap((row) => {
    const values = match.columns.map((column) => row[COLUMNS.indexOf(column)] ?? null);
    return keyOf(values, match.comparisons) ?? [];
  });
  return new Set([...own, 'nobody', '100000']);
}

describe('the subject index', () => {
  test.prop(
    [
      fc.array(fc.array(rows, { maxLength: 6 }), { minLength: 1, maxLength: 9 }),
      fc.uniqueArray(anyMatch, {
        minLength: 1,
        maxLength: 4,
        selector: (match) => JSON.stringify(indexedMatch(match)),
      }),
      fc.boolean(),
    ],
    { numRuns: 300 },
  )('offers every segment in which a row matches', async (all, some, again) => {
    const segments = segmentsOf(all);
    const plan = planOf(some);
    const reader = new KeyReader(plan);
    const collector = new IndexCollector(HASH_KEY);
    for (const [at, { plain }] of segments.entries()) {
      const read = reader.read(plain, at === 0);
      expect(read).toBeDefined();
      expect(read?.lineEnds ?? plain.toString('latin1').split('\n').length - 1).toBe(
        plain.toString('latin1').split('\n').length - 1,
      );
      collector.add(plan, place(at), read?.keys ?? []);
    }
    let object = await fresh(collector.take());
    if (again) object = await fresh(await object.content());
    for (const match of some) {
      for (const key of keysOf(match, all.flat())) {
        const query: Query = { match, keys: new Set([key]) };
        const mayHold = await whatMayHold(object, TABLE.name, [query]);
        for (const [at, segment] of segments.entries()) {
          const isThere = segment.rows.some((row) =>
            matches(query, (column) => row[COLUMNS.indexOf(column)] ?? null, TABLE.name),
          );
          if (isThere) expect([key, mayHold(place(at))]).toEqual([key, true]);
        }
      }
    }
  });

  test.prop(
    [
      fc.array(fc.array(rows, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 8 }),
      fc.uniqueArray(anyMatch, {
        minLength: 1,
        maxLength: 3,
        selector: (one) => JSON.stringify(indexedMatch(one)),
      }),
      fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 3 }),
    ],
    { numRuns: 200 },
  )(
    'forgets the keys of erased rows, again and again, and stays the same for everybody else',
    async (all, some, gone) => {
      const plan = planOf(some);
      const reader = new KeyReader(plan);
      const collector = new IndexCollector(HASH_KEY);
      const segments = segmentsOf(all);
      for (const [at, { plain }] of segments.entries())
        collector.add(plan, place(at), reader.read(plain, at === 0)?.keys ?? []);
      const chain: Chain = new Map();
      const first = await put(chain, collector.take());
      const before = await opened(first, chain);
      let [ref, object] = [first, before];
      const out = new Set<string>();
      const erased: Row[] = [];
      for (const number of gone) {
        const { rows: lost = [] } = segments[number] ?? {};
        out.add(nameOf(place(number)));
        erased.push(...lost);
        const keys = new ErasedKeys([object.directory]);
        for (const row of lost) keys.add(TABLE.name, codec, written(row));
        const isGone = (one: IndexedPlace) => out.has(nameOf(one));
        const after = await eraseFromIndex(object, ref.pack, { keys, isGone }, sealing);
        if (after) ref = keep(chain, after, after.key);
        object = await opened(ref, chain);
      }
      for (const match of some) {
        for (const key of keysOf(match, all.flat())) {
          const query: Query = { match, keys: new Set([key]) };
          const held = await whatMayHold(before, TABLE.name, [query]);
          const holds = await whatMayHold(object, TABLE.name, [query]);
          for (const at of all.keys())
            if (!out.has(nameOf(place(at)))) expect([key, holds(place(at))]).toEqual([key, held(place(at))]);
        }
      }
      expect(await left(object, out, erased, some)).toEqual([]);
    },
  );

  example('offers what it does not know: another comparison, another table, another segment', async () => {
    const match: Match = {
      kind: 'columns',
      columns: ['id'],
      comparisons: [{ form: 'exact', kind: 'exact' }],
      when: new Map(),
    };
    const plan = planOf([match]);
    const collector = new IndexCollector(HASH_KEY);
    collector.add(
      plan,
      place(0),
      new KeyReader(plan).read(written(['1', null, null, null]), false)?.keys ?? [],
    );
    const object = await fresh(collector.take());
    const keys = new Set(['nobody']);
    const lower: Match = { ...match, comparisons: [{ form: 'lower', kind: 'exact' }] };
    expect((await whatMayHold(object, TABLE.name, [{ match, keys }]))(place(0))).toBe(false);
    expect((await whatMayHold(object, TABLE.name, [{ match: lower, keys }]))(place(0))).toBe(true);
    expect(
      (
        await whatMayHold(object, TABLE.name, [
          { match, keys },
          { match: lower, keys },
        ])
      )(place(0)),
    ).toBe(true);
    expect((await whatMayHold(object, 'public.other', [{ match, keys }]))(place(0))).toBe(true);
    expect((await whatMayHold(object, TABLE.name, [{ match, keys }]))(place(1))).toBe(true);
  });

  example('leaves alone what it cannot read, and what may be a header or a row', () => {
    const match = { columns: ['id'], comparisons: [{ form: 'exact' as const, kind: 'exact' as const }] };
    const reader = new KeyReader({ ...planOf([]), matches: [match] });
    expect(reader.read(Buffer.from('1\t2\t3'), false)).toBeUndefined();
    expect(reader.read(Buffer.from('1\t2\t3\t4\n'), true)).toBeUndefined();
    const schema = { ...SCHEMA, columns: SCHEMA.columns.slice(0, 1) };
    const one = new KeyReader({
      ...planOf([]),
      table: { ...TABLE, columns: ['id'] },
      schema,
      matches: [match],
    });
    expect(one.read(Buffer.from('COPY public.people (id) FROM stdin;\n1\n\\.\n'), true)).toBeUndefined();
    expect(one.read(Buffer.from('COPY public.people (id) FROM stdin;\n1\n\\.\n'), false)).toBeUndefined();
    expect(one.read(Buffer.from('1\n'), false)).toBeDefined();
  });

  example('is refused when a byte of it differs', async () => {
    const match: Match = {
      kind: 'columns',
      columns: ['name'],
      comparisons: [{ form: 'exact', kind: 'exact' }],
      when: new Map(),
    };
    const plan = planOf([match]);
    const collector = new IndexCollector(HASH_KEY);
    collector.add(
      plan,
      place(0),
      new KeyReader(plan).read(written(['1', 'a', null, null]), false)?.keys ?? [],
    );
    const key = randomBytes(32);
    const { bytes, directory } = await sealIndex(collector.take(), key, (plain, own, level) =>
      seal({ kind: 'seal', plain, key: own, level }),
    );
    const ref = { pack: '030/00000000000000ff', ...directory, rows: 1, key: key.toString('hex') };
    for (const at of [0, 1, directory.offset - 1, directory.offset, bytes.length - 1]) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 1;
      const look = async () => {
        const read = (offset: number, length: number) =>
          Promise.resolve(broken.subarray(offset, offset + length));
        const object = await IndexObject.open(ref, read, 'index');
        await whatMayHold(object, TABLE.name, [{ match, keys: new Set(['b']) }]);
      };
      await expect(look()).rejects.toSatisfy((error) => isHoldfastError(error, 'DAMAGED'));
    }
  });

  example('leads to few segments in vain, in about two bytes for each entry', async () => {
    const match: Match = {
      kind: 'columns',
      columns: ['name'],
      comparisons: [{ form: 'exact', kind: 'exact' }],
      when: new Map(),
    };
    const plan = planOf([match]);
    const reader = new KeyReader(plan);
    const collector = new IndexCollector(HASH_KEY);
    const [segments, perSegment] = [200, 500];
    for (let at = 0; at < segments; at++) {
      const lines = Array.from(
        { length: perSegment },
        (_, row) => `1\tn${at * perSegment + row}@x\t\\N\t\\N\n`,
      );
      collector.add(plan, place(at), reader.read(Buffer.from(lines.join('')), false)?.keys ?? []);
    }
    const object = await fresh(collector.take());
    const bytes =
      object.directory.tables[0]?.columns[0]?.hashes.reduce((sum, { length }) => sum + length, 0) ?? 0;
    expect(bytes / (segments * perSegment)).toBeLessThan(2.3);
    const count = async (keys: Set<string>) => {
      const mayHold = await whatMayHold(object, TABLE.name, [{ match, keys }]);
      return Array.from({ length: segments }, (_, at) => at).filter((at) => mayHold(place(at))).length;
    };
    expect(await count(new Set(['n5@x', 'n99999@x']))).toBeLessThan(6);
    const nobody = new Set(Array.from({ length: 500 }, (_, at) => `m${at}@x`));
    // One in 64 to 128 is expected: 8 at most of 500 in the mean.
    expect(await count(nobody)).toBeLessThan(30);
  });
});
