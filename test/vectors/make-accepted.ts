/** The accepted store: two sets, two writers, two chains, and SQL with every trap that the format speaks of. */
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runBackup } from '../../src/backup/backup.ts';
import { PGP } from '../../src/openpgp/library.ts';
import type { openpgp } from '../../src/openpgp/library.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import { openSession } from '../../src/repository/session.ts';
import type { Session } from '../../src/repository/session.ts';
import { putWriterKey, writeHeader } from '../../src/repository/store-header.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import type { DumpStream, Source, SourceKind } from '../../src/sources/source.ts';
import { openFileStore } from '../../src/stores/file.ts';
import type { Store } from '../../src/stores/store.ts';
import { EXPECTED_FOLDER, SIGNAL, STORE_FOLDER, withClock } from './kit.ts';
import type { ExpectedSnapshot, Keys } from './kit.ts';

interface Run {
  readonly set: string;
  readonly writer: 'db1' | 'db2';
  readonly at: string;
  readonly full: boolean;
  readonly keepDays: number;
  readonly source: Source;
  readonly text: DumpText;
}

/** Each stream with its whole text. */
type DumpText = readonly (Omit<DumpStream, 'bytes'> & { readonly text: string })[];

const STORE_ID = '5f0c1d2e-3a4b-4c5d-8e6f-708192a3b4c5';

export async function makeAccepted(keys: Keys, state: string): Promise<ExpectedSnapshot[]> {
  let clock = new Date('2026-11-18T02:00:00.000Z');
  const store = dated(
    withClock(openFileStore(`file://${STORE_FOLDER}`), () => clock),
    () => clock,
  );
  await prepare(store, keys, clock);
  await mkdir(EXPECTED_FOLDER, { recursive: true });
  const expected: ExpectedSnapshot[] = [];
  for (const run of RUNS) {
    clock = new Date(run.at);
    expected.push(await backUp(run, store, keys, state));
  }
  return expected;
}

async function prepare(store: Store, keys: Keys, now: Date): Promise<void> {
  await store.create(SIGNAL);
  const recovery: Record<string, string> = {};
  for (const [name, text] of Object.entries(RECOVERY)) {
    await store.put(name, Buffer.from(text), {}, SIGNAL);
    recovery[name] = sha256Hex(Buffer.from(text));
  }
  const about = { store: STORE_ID, created: now.toISOString(), tool: 'holdfast vectors', recovery };
  await writeHeader(store, { format: 1, kind: 'store', ...about }, keys.ops, SIGNAL);
  // Certified as long ago as the keys were made: a reader's clock may be behind ours.
  const certified = await keys.db1
    .toPublic()
    .signPrimaryUser([keys.ops], new Date('2020-01-02T00:00:00.000Z'), undefined, PGP);
  await putWriterKey(store, certified, SIGNAL);
  await putWriterKey(store, keys.db2.toPublic(), SIGNAL);
}

/** The format says where these lie and that their hashes are stated, not what is in them. */
const RECOVERY = {
  'RECOVERY.md': 'Stands for the page of a real store.\n',
  'recover.sh': '# Stands for the script of a real store.\n',
  'recover.sh.asc': 'Stands for its signature.\n',
};

async function backUp(run: Run, store: Store, keys: Keys, state: string): Promise<ExpectedSnapshot> {
  const { set, writer, full, keepDays, source, text } = run;
  const session = await openAs(store, keys, join(state, writer));
  const { entry } = await runBackup(
    {
      session,
      source,
      set,
      writer,
      policy: { keep: [{ name: 'daily', days: keepDays }], fullEveryDays: 7 },
      recipients: [keys.ops.toPublic()],
      signer: keys[writer],
      level: 3,
      full,
      onStart: () => undefined,
      onProgress: () => undefined,
      // It says that the store's clock is not this host's, which is on purpose.
      onWarning: () => undefined,
    },
    SIGNAL,
  );
  const { catalog } = await viewSet(session, set, false, SIGNAL);
  const item = catalog.entries.find((one) => one.entry.snapshot === entry.snapshot);
  if (!item) throw new Error('the snapshot is not there');
  const manifest = await openManifest(session, item, new KeyOpener([keys.ops]), SIGNAL);
  const globals = text.filter(({ section }) => section === 'globals').map((stream) => stream.text);
  const sql = text.filter(({ section }) => section !== 'globals').map((stream) => stream.text);
  const name = `${set}-${entry.seq}`;
  await writeFile(join(EXPECTED_FOLDER, `${name}.sql`), sql.join(''));
  if (globals.length > 0) await writeFile(join(EXPECTED_FOLDER, `${name}.globals.sql`), globals.join(''));
  return {
    set,
    snapshot: entry.snapshot,
    time: entry.time,
    full: entry.full,
    streams: manifest.streams.map((s) => [s.name, s.section, s.dialect, s.segments, s.rows, s.bytes]),
    sql: `${name}.sql`,
    ...(globals.length > 0 && { globals: `${name}.globals.sql` }),
  };
}

export function openAs(store: Store, keys: Keys, stateDir: string): Promise<Session<Store>> {
  const publicOf = (...some: openpgp.PrivateKey[]) => some.map((key) => key.toPublic());
  const trusted = {
    recipients: publicOf(keys.ops),
    signers: publicOf(keys.db2),
    purgeSigners: publicOf(keys.officer),
  };
  return openSession({ store, stateDir, ...trusted }, SIGNAL);
}

/** Objects carry the time at which they were put, as a store with that clock would show it. */
function dated(store: Store, now: () => Date): Store {
  const put: Store['put'] = async (key, bytes, options, signal) => {
    const outcome = await store.put(key, bytes, options, signal);
    await utimes(join(STORE_FOLDER, key), now(), now());
    return outcome;
  };
  return { ...store, put };
}

function sourceOf(kind: SourceKind, lanes: readonly DumpText[]): Source {
  const info = {
    kind,
    database: kind === 'postgres' ? 'shop' : 'notes.db',
    serverVersion: '15.14',
    toolVersion: '15.14',
    estimatedBytes: 1024,
    warnings: [],
    facts: { note: 'made for the vectors; ü, 1, null', list: [1, null, true] },
  };
  return {
    kind,
    probe: () => Promise.resolve(info),
    schema: () => Promise.resolve({ tables: [] }),
    dump: () =>
      Promise.resolve({
        schema: { tables: [] },
        lanes: lanes.map(streamsOf),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- the port wants an asynchronous iteration
async function* streamsOf(lane: DumpText): AsyncGenerator<DumpStream> {
  for (const { text, ...about } of lane) yield { ...about, bytes: bytesOf(text) };
}

// eslint-disable-next-line @typescript-eslint/require-await -- the same
async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

function run(about: Omit<Run, 'source' | 'text'>, kind: SourceKind, lanes: readonly DumpText[]): Run {
  return { ...about, source: sourceOf(kind, lanes), text: lanes.flat() };
}

const sql = (
  section: 'globals' | 'pre-data' | 'data' | 'post-data',
  name: string,
  lines: readonly string[],
) => ({ name, section, dialect: 'sql', text: lines.map((line) => `${line}\n`).join('') }) as const;

function copy(name: string, columns: readonly string[], list: string, rows: readonly string[]) {
  const lines = [`COPY ${name} ${list} FROM stdin;`, ...rows, '\\.'];
  const text = lines.map((line) => `${line}\n`).join('');
  return { name, section: 'data', dialect: 'pg-copy', table: { name, columns }, text } as const;
}

/** Day 0 has 40 users; each later day one more, and one of them renamed. */
function shop(day: number): DumpText[] {
  const users = Array.from(
    { length: 40 + day },
    (_, i) => `${i + 1}\t${i === day ? 'Renamed' : `User ${i + 1}`}\t${i % 3 === 0 ? '\\N' : 'a\\tb\\\\c'}`,
  );
  const orders = Array.from(
    { length: 25 * (day + 1) },
    (_, i) => `${i + 1}\t${(i % 40) + 1}\t${(i * 7919) % 1000}.50`,
  );
  return [
    [
      sql('globals', 'globals', ['CREATE ROLE shop;', 'ALTER ROLE shop WITH LOGIN;']),
      sql('pre-data', 'pre-data', [
        'CREATE TABLE public.users (id integer, name text, note text);',
        'CREATE TABLE public."Odd\n""name" ("a\nb" integer, "ü" text);',
        'CREATE TABLE public.no_columns ();',
        'CREATE TABLE public.no_rows (id integer);',
        'CREATE TABLE public.orders (id integer, user_id integer, total numeric);',
        "CREATE FUNCTION public.trap() RETURNS text LANGUAGE sql AS '\nCOPY public.users (id) FROM stdin;\n1\n\\.\n';",
      ]),
    ],
    [
      sql('data', 'data-settings', ["SET client_encoding = 'UTF8';", 'SET row_security = off;']),
      copy('public.users', ['id', 'name', 'note'], '(id, name, note)', users),
      copy('public."Odd\n""name"', ['a\nb', 'ü'], '("a\nb", "ü")', ['1\tä', '2\t\\n']),
      copy('public.no_columns', [], '', ['', '']),
      copy('public.no_rows', ['id'], '(id)', []),
      sql('data', 'sequences', ["SELECT pg_catalog.setval('public.users_id_seq', 41, true);"]),
    ],
    [
      sql('data', 'data-settings@2', ["SET client_encoding = 'UTF8';", 'SET row_security = off;']),
      copy('public.orders', ['id', 'user_id', 'total'], '(id, user_id, total)', orders),
    ],
    [
      sql('post-data', 'post-data', [
        'ALTER TABLE ONLY public.users ADD CONSTRAINT users_pkey PRIMARY KEY (id);',
      ]),
    ],
  ];
}

/** One table is long enough for several segments, one has no bytes at all. */
function notes(): DumpText[] {
  const rows = Array.from(
    { length: 2600 },
    (_, i) => `INSERT INTO notes VALUES(${i},'note ${(i * 2654435761) % 4294967296} of user ${i % 97}');\n`,
  );
  const insert = (name: string, text: string) =>
    ({
      name,
      section: 'data',
      dialect: 'sql-insert',
      table: { name, columns: ['id', 'text'] },
      text,
    }) as const;
  return [
    [
      sql('pre-data', 'pre-data', [
        'BEGIN TRANSACTION;',
        'CREATE TABLE notes(id, text);',
        'CREATE TABLE empty(id, text);',
      ]),
      insert('notes', rows.join('')),
      insert('empty', ''),
      sql('post-data', 'post-data', ['COMMIT;']),
    ],
  ];
}

const RUNS: readonly Run[] = [
  run(
    { set: 'shop', writer: 'db1', at: '2026-11-18T03:00:05.120Z', full: false, keepDays: 30 },
    'postgres',
    shop(0),
  ),
  run(
    { set: 'shop', writer: 'db1', at: '2026-11-19T03:00:04.007Z', full: false, keepDays: 30 },
    'postgres',
    shop(1),
  ),
  run(
    { set: 'shop', writer: 'db1', at: '2026-11-20T03:00:06.950Z', full: true, keepDays: 30 },
    'postgres',
    shop(2),
  ),
  run(
    { set: 'notes', writer: 'db2', at: '2026-11-20T04:00:00.000Z', full: false, keepDays: 365 },
    'sqlite',
    notes(),
  ),
];
