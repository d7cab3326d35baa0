/**
 * Random databases, subject maps and subjects, for all engines: tables with foreign keys in every direction, links of
 * every kind, rows in which few values meet often. Rows in memory are what a SELECT says, so both sides of the oracle
 * start from the same.
 */
import { fc } from '@fast-check/vitest';
import { matches, type Hit, type TableAccess } from '../../src/subjects/access.ts';
import type { Closure, Subject } from '../../src/subjects/closure.ts';
import type { Engine } from '../../src/subjects/compare.ts';
import type { CanonicalForm } from '../../src/subjects/canonical.ts';
import type { Action, Link, Replacement, SubjectMap, TableRule } from '../../src/subjects/map.ts';
import type { Value } from '../../src/rows/values.ts';

/** Every table has these columns; `id` is the key where there is one. */
export const COLUMNS = ['id', 'region', 'ref', 'other', 'code', 'num', 'kind', 'doc', 'note'] as const;
type Column = (typeof COLUMNS)[number];

export interface TablePlan {
  readonly key: 'none' | 'id' | 'id region' | 'code';
  readonly rows: readonly RowPlan[];
  /** Foreign keys: which column points at which table's `id`. */
  readonly references: readonly {
    readonly column: 'ref' | 'other';
    readonly to: number;
    readonly onDelete: string;
  }[];
  readonly rule: RulePlan;
  readonly idType: 0 | 1;
  readonly codeType: 0 | 1 | 2;
  readonly docType: 0 | 1 | 2;
}

interface RowPlan {
  readonly region: number;
  readonly ref: number | null;
  readonly other: number | null;
  readonly code: string | null;
  readonly num: string | null;
  readonly kind: string | null;
  readonly doc: string | null;
}

interface LinkPlan {
  readonly shape: number;
  readonly to: number;
  readonly form: CanonicalForm;
  readonly when: 'no' | 'User' | 'null';
  readonly action: Action | undefined;
  readonly follow: boolean;
}

interface RulePlan {
  readonly none: boolean;
  readonly links: readonly LinkPlan[];
  readonly action: Action;
}

export interface World {
  readonly tables: readonly TablePlan[];
  readonly lookup: CanonicalForm;
  readonly by: 'key' | 'code';
  readonly asked: readonly { readonly id: number; readonly code: string }[];
}

const KEYS = fc.integer({ min: 1, max: 4 });
const CODES = fc.constantFrom('a@x', ' A@X ', 'b', 'B', '1', '2', '+1 (2)', '12', '', '0012', 'a@x  ');
const NUMBERS = fc.constantFrom('1', '1.0', '1.00', '2', '2.5', '2.50', '-0', '3');
const DOCS = fc.constantFrom(
  '{"user":{"id":1}}',
  '{"user":{"id":"2"},"items":[{"id":3},{"id":"b"},7]}',
  '{"user":[1,2],"items":{"id":1}}',
  '{"items":[{"id":2.0},{"id":null},{"id":{"id":1}},{"id":1}]}',
  '{"user":{"id":true},"items":[]}',
  '[{"id":4}]',
  '"1"',
  'null',
);

const replacements: fc.Arbitrary<readonly (readonly [string, Replacement])[]> = fc
  .tuple(
    fc.option(fc.constant(['note', { pseudonym: true }] as const), { freq: 3 }),
    fc.option(fc.constantFrom(['code', null] as const, ['code', '[[erased]]'] as const), { freq: 3 }),
    fc.option(fc.constantFrom(['ref', null] as const, ['ref', '1'] as const), { freq: 3 }),
    fc.option(fc.constantFrom(['other', null] as const, ['kind', 'x'] as const), { freq: 3 }),
  )
  .map((all) => all.filter((one) => one !== null));

const action: fc.Arbitrary<Action> = fc.oneof(
  { arbitrary: fc.constant<Action>({ do: 'delete' }), weight: 4 },
  { arbitrary: replacements.map((values): Action => ({ do: 'set', values: new Map(values) })), weight: 2 },
  {
    arbitrary: replacements.map((values): Action => ({
      do: 'keep',
      because: 'tax',
      values: new Map(values),
    })),
    weight: 2,
  },
);

const link: fc.Arbitrary<LinkPlan> = fc.record({
  shape: fc.integer({ min: 0, max: 9 }),
  to: fc.nat({ max: 4 }),
  form: fc.constantFrom<CanonicalForm>('exact', 'exact', 'trim', 'lower', 'digits'),
  when: fc.constantFrom('no', 'no', 'no', 'User', 'null'),
  action: fc.option(action, { nil: undefined, freq: 3 }),
  follow: fc.constantFrom(true, true, true, true, false),
});

const table: fc.Arbitrary<TablePlan> = fc.record({
  key: fc.constantFrom('id', 'id', 'id', 'none', 'id region', 'code'),
  rows: fc.array(
    fc.record({
      region: fc.integer({ min: 1, max: 2 }),
      ref: fc.option(KEYS, { freq: 4 }),
      other: fc.option(KEYS, { freq: 4 }),
      code: fc.option(CODES, { freq: 6 }),
      num: fc.option(NUMBERS, { freq: 6 }),
      kind: fc.constantFrom('User', 'User', 'Org', null),
      doc: fc.option(DOCS, { freq: 8 }),
    }),
    // Or most tables would be nearly empty.
    { minLength: 2, maxLength: 8, size: 'max' },
  ),
  references: fc.uniqueArray(
    fc.record({
      column: fc.constantFrom('ref' as const, 'other' as const),
      to: fc.nat({ max: 4 }),
      onDelete: fc.constantFrom('NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL'),
    }),
    { maxLength: 2, selector: ({ column }) => column },
  ),
  rule: fc.record({
    none: fc.constantFrom(false, false, false, false, false, false, true),
    links: fc.array(link, { minLength: 1, maxLength: 4, size: 'max' }),
    action,
  }),
  idType: fc.constantFrom(0, 1),
  codeType: fc.constantFrom(0, 0, 1, 2),
  docType: fc.constantFrom(0, 1, 2),
});

export const worlds: fc.Arbitrary<World> = fc.record({
  tables: fc.array(table, { minLength: 1, maxLength: 5, size: 'max' }),
  lookup: fc.constantFrom<CanonicalForm>('exact', 'lower', 'digits'),
  by: fc.constantFrom('key', 'key', 'code'),
  asked: fc.array(fc.record({ id: KEYS, code: CODES }), { minLength: 1, maxLength: 2 }),
});

/** Ids run from 1; `code` is a key only where it is different in each row. */
export function idsOf({ rows }: TablePlan): readonly number[] {
  return rows.map((_, index) => index + 1);
}

/** The map of a world; `name` is how a table is called in the engine. */
export function mapOf({ tables, lookup }: World, name: (index: number) => string): SubjectMap {
  const isLinked = (index: number) => index === 0 || tables[index]?.rule.none === false;
  const rules = tables.map(({ rule }, index): readonly [string, TableRule] => {
    if (!isLinked(index)) return [name(index), { kind: 'no-personal-data' }];
    const links = rule.links.flatMap((plan): Link[] => {
      const to = plan.to % tables.length;
      return isLinked(to) ? [linkOf(plan, name(to))] : [];
    });
    return [
      name(index),
      { kind: 'linked', links, action: rule.action, text: [], largeObjects: [], optional: [] },
    ];
  });
  return {
    subject: 'customer',
    root: { table: name(0), key: ['id'], lookup: new Map([['code', lookup]]) },
    tables: new Map(rules),
    largeObjectsAreNobodys: true,
    text: '',
    sha256: '',
  };
}

/** Own columns, and those they lead to: text with text, numbers with numbers, a few across. */
const SHAPES: readonly (readonly [readonly Column[], readonly Column[]])[] = [
  [['ref'], ['id']],
  [['other'], ['id']],
  [['ref'], ['ref']],
  [['code'], ['code']],
  [['num'], ['id']],
  [['num'], ['num']],
  [
    ['ref', 'kind'],
    ['id', 'kind'],
  ],
  [['code'], ['id']],
];

function linkOf(plan: LinkPlan, table: string): Link {
  const when = new Map<string, string | null>(
    plan.when === 'no' ? [] : [['kind', plan.when === 'User' ? 'User' : null]],
  );
  const parts = { when, follow: plan.follow, ...(plan.action !== undefined && { action: plan.action }) };
  const shape = SHAPES[plan.shape];
  if (shape === undefined) {
    const [path, column] =
      plan.shape === 8 ? ['$.user.id', 'id'] : ['$.items[*].id', plan.form === 'exact' ? 'id' : 'code'];
    return {
      kind: 'json',
      column: 'doc',
      path,
      to: { table, columns: [column] },
      canonical: 'exact',
      ...parts,
    };
  }
  const [columns, targets] = shape;
  const canonical = columns[0] === 'code' ? plan.form : 'exact';
  return { kind: 'columns', columns, to: { table, columns: targets }, canonical, ...parts };
}

export function subjectsOf({ by, asked }: World): readonly Subject[] {
  return asked.map(({ id, code }): Subject =>
    by === 'key'
      ? { by: ['id'], known: new Map([['id', String(id)]]) }
      : { by: ['code'], known: new Map([['code', code]]) },
  );
}

/** The rows of a database, by table: values in the order of COLUMNS. */
export type Rows = ReadonlyMap<string, readonly (readonly Value[])[]>;

/** Rows in memory, as a snapshot's rows are asked for; a row's name is its place. */
export class MemoryAccess implements TableAccess {
  /** The tables that were looked through, in order. */
  readonly passes: string[] = [];
  readonly #rows: Rows;
  readonly #columns: (table: string) => readonly string[];

  constructor(rows: Rows, columns: (table: string) => readonly string[] = () => COLUMNS) {
    this.#rows = rows;
    this.#columns = columns;
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async *find(...[table, queries, need]: Parameters<TableAccess['find']>): AsyncGenerator<Hit> {
    this.passes.push(table);
    const columns = this.#columns(table);
    for (const [index, row] of (this.#rows.get(table) ?? []).entries()) {
      const read = (column: string): Value => {
        const place = columns.indexOf(column);
        if (place < 0) throw new Error(`${table} has no column ${column}`);
        return row[place] ?? null;
      };
      const hits = queries.flatMap((query, place) => (matches(query, read, table) ? [place] : []));
      if (hits.length > 0) yield { row: String(index), hits, values: need.map(read) };
    }
  }
}

export const PSEUDONYM = '(a pseudonym)';

/** What is left of the rows after the erasure. */
export function erased(rows: Rows, { affected }: Pick<Closure, 'affected'>): Rows {
  return new Map(
    [...rows].map(([table, all]) => {
      const left = all.flatMap((row, index) => {
        const outcome = affected.get(table)?.get(String(index))?.outcome;
        if (outcome?.do === 'delete') return [];
        return [
          row.map((value, place) => {
            const replacement = outcome?.values.get(COLUMNS[place] ?? '');
            if (replacement === undefined) return value;
            return typeof replacement === 'object' && replacement !== null ? PSEUDONYM : replacement;
          }),
        ];
      });
      return [table, left];
    }),
  );
}

/** The same rows in one order, with pseudonyms made equal; throws when two pseudonyms are. */
export function comparableRows(rows: Rows): Readonly<Record<string, readonly string[]>> {
  const pseudonyms = new Set<string>();
  const masked = (value: Value): Value => {
    if (value === null || !/^erased-[0-9a-f]{16}$/.test(value)) return value;
    if (pseudonyms.has(value)) throw new Error('two rows have the same pseudonym');
    pseudonyms.add(value);
    return PSEUDONYM;
  };
  return Object.fromEntries(
    [...rows].map(([table, all]) => [table, all.map((row) => JSON.stringify(row.map(masked))).sort()]),
  );
}

/** CREATE TABLE and INSERT for one table, without foreign keys (`inline` puts them in: SQLite cannot add them later). */
export function createSql(
  world: World,
  index: number,
  name: (index: number) => string,
  engine: Engine,
): string {
  const plan = world.tables[index];
  if (plan === undefined) return '';
  const ids = idsOf(plan);
  const inline =
    engine === 'sqlite' ? referencesOf(world, index).map((one) => `, ${foreignKey(one, name, false)}`) : [];
  const columns = Object.entries(typesOf(plan, engine)).map(([column, type]) => `${column} ${type}`);
  const keys = [...keyOf(plan, engine), ...inline].join('');
  const rows = plan.rows.map((row, at) => {
    const refer = (column: 'ref' | 'other') => refersTo(world, index, column, row[column]);
    const values = [
      ids[at],
      row.region,
      refer('ref'),
      refer('other'),
      row.code,
      row.num,
      row.kind,
      row.doc,
      `note ${at}`,
    ];
    return `(${values.map(literal).join(', ')})`;
  });
  const insert = rows.length === 0 ? '' : `INSERT INTO ${name(index)} VALUES ${rows.join(', ')};`;
  return `CREATE TABLE ${name(index)} (${columns.join(', ')}${keys});\n${insert}`;
}

/** Foreign keys of a table, as far as what they point at has a key. */
export function referencesOf(
  { tables }: World,
  index: number,
): readonly (TablePlan['references'][number] & { readonly to: number })[] {
  return (tables[index]?.references ?? [])
    .map((one) => ({ ...one, to: one.to % tables.length }))
    .filter(({ to }) => tables[to]?.key === 'id');
}

export function foreignKey(
  { column, to, onDelete }: TablePlan['references'][number],
  name: (index: number) => string,
  isDeferrable: boolean,
): string {
  const deferrable = isDeferrable ? ' DEFERRABLE' : '';
  return `FOREIGN KEY (${column}) REFERENCES ${name(to)} (id) ON DELETE ${onDelete}${deferrable}`;
}

/** Points only at what is there, where a foreign key says so. */
function refersTo(world: World, index: number, column: 'ref' | 'other', value: number | null): number | null {
  const reference = referencesOf(world, index).find((one) => one.column === column);
  if (reference === undefined || value === null) return value;
  return value <= (world.tables[reference.to]?.rows.length ?? 0) ? value : null;
}

function keyOf(plan: TablePlan, engine: Engine): readonly string[] {
  const folded = (code: string | null) => (engine === 'mysql' ? code?.toLowerCase() : code);
  const codes = plan.rows.map(({ code }) => folded(code)?.trim());
  const isUnique = new Set(codes).size === codes.length && !codes.includes(undefined) && !codes.includes('');
  if (plan.key === 'code') return isUnique ? [', PRIMARY KEY (code)'] : [];
  return plan.key === 'none' ? [] : [`, PRIMARY KEY (${plan.key.replace(' ', ', ')})`];
}

function typesOf({ idType, codeType, docType }: TablePlan, engine: Engine): Readonly<Record<Column, string>> {
  if (engine === 'mysql') return mysqlTypes(codeType, docType);
  const isPostgres = engine === 'postgres';
  return {
    id: ['integer', 'bigint'][idType] ?? '',
    region: 'smallint',
    ref: 'integer',
    other: 'bigint',
    code:
      (isPostgres ? ['text', 'varchar(30)', 'character(10)'] : ['TEXT', 'VARCHAR(30)', 'TEXT'])[codeType] ??
      '',
    num: isPostgres ? 'numeric' : 'REAL',
    kind: 'text',
    doc: (isPostgres ? ['jsonb', 'json', 'text'] : ['TEXT', 'JSON', 'TEXT'])[docType] ?? '',
    note: 'text',
  };
}

/** Foreign keys need the same type on both sides here; texts are compared by three collations, two of which fold. */
function mysqlTypes(
  codeType: TablePlan['codeType'],
  docType: TablePlan['docType'],
): Readonly<Record<Column, string>> {
  return {
    id: 'bigint',
    region: 'smallint',
    ref: 'bigint',
    other: 'bigint',
    code:
      [
        'varchar(30) COLLATE utf8mb4_general_ci',
        'char(30) CHARACTER SET utf8mb3',
        'varchar(30) COLLATE utf8mb4_bin',
      ][codeType] ?? '',
    num: ['double', 'decimal(12,4)', 'double'][codeType] ?? '',
    kind: 'varchar(20)',
    doc: ['json', 'longtext', 'text'][docType] ?? '',
    note: 'longtext',
  };
}

function literal(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value}'`;
}
