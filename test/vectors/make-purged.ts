/**
 * Makes the purged vectors: a store out of which one customer was erased. Made once. To see how it works:
 *
 *     rm -r purged purged.json && node make-purged.ts && npx prettier --write purged.json
 *
 * - `clear`: the customer was not there yet; the purge has looked it through;
 * - `amended`: the purge has written it anew;
 * - `missed`: another host took it on a day when it could not reach the store, and brings it later: no purge has been
 *   through it, and a reader leaves the customer out;
 * - `later`: taken after the purge, by a host that knew. Somebody else has the customer's address by now, and stays.
 */
import { cp, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { runBackup } from '../../src/backup/backup.ts';
import { PGP } from '../../src/openpgp/library.ts';
import { KeyOpener, MessageSealer } from '../../src/openpgp/message.ts';
import { signStatement } from '../../src/openpgp/statement.ts';
import { sha256Hex } from '../../src/repository/entry.ts';
import { operatorName } from '../../src/repository/ledger-writer.ts';
import { openSession } from '../../src/repository/session.ts';
import type { Session } from '../../src/repository/session.ts';
import { Trust } from '../../src/openpgp/trust.ts';
import { putWriterKey, writeHeader } from '../../src/repository/store-header.ts';
import { openFileStore } from '../../src/stores/file.ts';
import type { Store } from '../../src/stores/store.ts';
import type { Source } from '../../src/sources/source.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { putSuppression } from '../../src/suppression/put.ts';
import { apply, customer, plan } from '../integration/purge-kit.ts';
import { FOLDER, NOW, PURGED_FOLDER, SIGNAL, readKeys, withClock } from './kit.ts';
import type { Change, IndexedKey, Keys, PurgedSnapshot, PurgedVectors, RefusedCase } from './kit.ts';
import { purgedReader } from './purged-reader.ts';

const SET = 'shop';
const ROOT = join(PURGED_FOLDER, 'store');
const STATE = join(FOLDER, 'state.tmp');
const STORE_ID = '6a1d2e3f-4b5c-4d6e-9f70-8192a3b4c5d6';
const ERASED = 42;

const MAP = `version: 1
subject: customer
root: { table: customers, key: id, lookup: { email: lower } }
tables:
  customers: { erase: delete }
  orders: { link: { customer: customers.id }, erase: delete }
  events: { link: { who: customers.email, canonical: lower }, erase: { set: { who: null, what: erased } } }
  countries: { no_personal_data: true }
`;

/** Looked up in the index: table, column, and a key in the form in which it is compared. */
const KEYS = [
  ['orders', 'customer', '42'],
  ['orders', 'customer', '7'],
  ['orders', 'customer', '1000'],
  ['events', 'who', 'zoë.perce@example.org'],
  ['events', 'who', 'nobody@example.org'],
  ['customers', 'email', 'p7@example.org'],
] as const;

let clock = new Date('2026-11-18T02:00:00.000Z');
const keys = await readKeys();
try {
  await writeFile(join(FOLDER, 'purged.json'), JSON.stringify(await make(keys), null, 2));
} finally {
  await rm(STATE, { recursive: true, force: true });
}

async function make(keys: Keys): Promise<PurgedVectors> {
  const store = await prepare(ROOT, keys);
  await mkdir(STATE, { recursive: true });
  const shop = fillShop(join(STATE, 'shop.db'));
  const clear = await day('2026-11-18T03:00:05.000Z', 'db1', await openAs(store, keys, 'db1'));
  shop.exec(`INSERT INTO customers VALUES (${ERASED}, 'Zoë.Perce@example.org', 'de');
    INSERT INTO orders(customer, what) VALUES (${ERASED}, 'harp ''no. 1'''), (${ERASED}, 'strings');
    INSERT INTO events(who, what) VALUES (' ZOË.perce@Example.ORG', 'signed in'), ('p7@example.org', 'wrote');`);
  const amended = await day('2026-11-19T03:00:04.000Z', 'db1', await openAs(store, keys, 'db1'));
  const elsewhere = join(STATE, 'elsewhere');
  await cp(ROOT, elsewhere, { recursive: true, preserveTimestamps: true });
  const missed = await day('2026-11-19T23:00:00.000Z', 'db2', await openAs(storeAt(elsewhere), keys, 'db2'));
  const purge = await erase(store, keys);
  for (const folder of [`keep-030/${SET}/snapshots/${missed.snapshot}`, `keep-039/${SET}/chains/db2-1`])
    await cp(join(elsewhere, folder), join(ROOT, folder), { recursive: true });
  shop.exec(`DELETE FROM orders WHERE customer = ${ERASED}; DELETE FROM customers WHERE id = ${ERASED};
    DELETE FROM events WHERE who LIKE '%zoë%' OR who LIKE '%ZOË%';
    INSERT INTO customers VALUES (143, 'zoë.perce@example.org', 'ca');
    INSERT INTO events(who, what) VALUES ('zoë.perce@example.org', 'signed in');`);
  const later = await day('2026-11-21T03:00:06.000Z', 'db1', await openAs(store, keys, 'db1'));
  shop.close();
  clock = NOW;

  const names = { clear, amended, missed, later };
  const reader = await purgedReader(ROOT, keys, join(STATE, 'reader'));
  const snapshots: PurgedSnapshot[] = [];
  await mkdir(join(PURGED_FOLDER, 'expected'), { recursive: true });
  for (const [name, { snapshot }] of Object.entries(names)) {
    const { sql, ...facts } = await reader.read(snapshot);
    await writeFile(join(PURGED_FOLDER, 'expected', `${name}.sql`), sql);
    snapshots.push({ name, set: SET, snapshot, ...facts });
  }
  const indexed: IndexedKey[] = [];
  for (const { snapshot } of [missed, amended, later])
    for (const [table, column, key] of KEYS) {
      const segments = await reader.indexed(snapshot, table, [column], key);
      indexed.push({ snapshot, table, columns: [column], key, segments });
    }
  const suppression = await reader.suppression(purge);
  const refused = await makeRefused(keys, names, purge);
  return { purge, map: MAP, snapshots, indexed, suppression, refused };
}

function storeAt(root: string): Store {
  const store = withClock(openFileStore(`file://${root}`), () => clock);
  const put: Store['put'] = async (key, bytes, options, signal) => {
    const outcome = await store.put(key, bytes, options, signal);
    await utimes(join(root, key), clock, clock);
    return outcome;
  };
  return { ...store, put };
}

async function prepare(root: string, { ops, db1, db2 }: Keys): Promise<Store> {
  const store = storeAt(root);
  await store.create(SIGNAL);
  const recovery: Record<string, string> = {};
  for (const name of ['RECOVERY.md', 'recover.sh', 'recover.sh.asc']) {
    const text = Buffer.from(`# Stands for ${name} of a real store.\n`);
    await store.put(name, text, {}, SIGNAL);
    recovery[name] = sha256Hex(text);
  }
  const about = { store: STORE_ID, created: clock.toISOString(), tool: 'holdfast vectors', recovery };
  await writeHeader(store, { format: 1, kind: 'store', ...about }, ops, SIGNAL);
  for (const host of [db1, db2]) {
    const certified = new Date('2020-01-02T00:00:00.000Z');
    await putWriterKey(
      store,
      await host.toPublic().signPrimaryUser([ops], certified, undefined, PGP),
      SIGNAL,
    );
  }
  return store;
}

function openAs(store: Store, { ops, officer }: Keys, state: string): Promise<Session<Store>> {
  const trusted = { recipients: [ops.toPublic()], signers: [], purgeSigners: [officer.toPublic()] };
  return openSession({ store, stateDir: join(STATE, state), ...trusted }, SIGNAL);
}

function fillShop(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec(`
    CREATE TABLE countries(code TEXT PRIMARY KEY, name TEXT);
    INSERT INTO countries VALUES ('ca', 'Canada'), ('de', 'Germany');
    CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT NOT NULL, country TEXT REFERENCES countries(code));
    CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers(id), what TEXT);
    CREATE TABLE events(id INTEGER PRIMARY KEY, who TEXT, what TEXT);`);
  const person = db.prepare('INSERT INTO customers VALUES (?, ?, ?)');
  const order = db.prepare('INSERT INTO orders(customer, what) VALUES (?, ?)');
  for (let id = 1; id <= 30; id++) person.run(id, `P${id}@example.org`, id % 3 === 0 ? 'ca' : 'de');
  for (let n = 0; n < 1200; n++)
    order.run(1 + Math.floor(n / 40), `thing ${(n * 2654435761) % 4294967291} `.repeat(4));
  db.exec("INSERT INTO events(who, what) VALUES ('p1@example.org', 'signed in'), (NULL, 'cleaned up')");
  return db;
}

async function day(at: string, writer: 'db1' | 'db2', session: Session<Store>) {
  clock = new Date(at);
  const real = sqliteSource({ path: join(STATE, 'shop.db'), scratch: join(STATE, 'scratch') });
  // Where they were made is nobody's business.
  const probe: Source['probe'] = async (stop) => ({ ...(await real.probe(stop)), database: 'shop.db' });
  const source: Source = { ...real, probe };
  const { entry } = await runBackup(
    {
      ...{ session, source, set: SET, writer, signer: keys[writer], recipients: [keys.ops.toPublic()] },
      policy: { keep: [{ name: 'daily', days: 30 }], fullEveryDays: 7 },
      ...{ level: 3, full: false, subjects: parseSubjectMap(MAP, 'map.yaml') },
      onStart: () => undefined,
      onProgress: () => undefined,
      onWarning: () => undefined,
    },
    SIGNAL,
  );
  return entry;
}

/** Plans and applies, as `ops`. */
async function erase(store: Store, { ops }: Keys): Promise<string> {
  clock = new Date('2026-11-20T12:00:00.000Z');
  const session = await openAs(store, keys, 'ops');
  const officer = { session, ops, reopen: () => openAs(store, keys, 'ops') };
  const { plan: planned } = await plan(officer, [customer(ERASED)], { map: MAP });
  await apply(officer, planned, {
    putSuppression: async ({ snapshots, subjects }) => {
      const newest = snapshots.at(-1);
      if (!newest) throw new Error('nobody was found');
      const about = { purge: planned.id, map: MAP, subjects };
      const options = { engine: 'sqlite', days: 39, recipients: [ops.toPublic()], signer: ops } as const;
      return putSuppression(session, SET, about, { ...options, schema: newest.schema }, SIGNAL);
    },
  });
  return planned.id;
}

type Names = Readonly<Record<'clear' | 'amended' | 'missed' | 'later', { readonly snapshot: string }>>;

/** What must not be read, and why. */
async function makeRefused(keys: Keys, { missed, amended }: Names, purge: string): Promise<RefusedCase[]> {
  const { ops, db1, stranger } = keys;
  const sealed = `keep-039/${SET}/suppression/${purge}.pgp`;
  const chain = `ledger/${SET}/${operatorName(ops)}`;
  const line = (seq: number) => `${chain}/${String(seq).padStart(10, '0')}.json`;
  const read = (one: { readonly snapshot: string }) => ({ set: SET, snapshot: one.snapshot });
  const put = async (name: string, file: string, bytes: Uint8Array): Promise<Change> => {
    const object = `${name}/${file.split('/').at(-1) ?? ''}`;
    await mkdir(join(PURGED_FOLDER, 'refused', name), { recursive: true });
    await writeFile(join(PURGED_FOLDER, 'refused', object), bytes);
    return { do: 'put', file, object };
  };
  const bytes = await readFile(join(ROOT, sealed));
  const { plain } = await new KeyOpener([ops]).open(bytes, new Trust([ops.toPublic()]), sealed);
  const reseal = (text: Uint8Array, signer = ops) => new MessageSealer([ops.toPublic()], signer).seal(text);
  const other = Buffer.from(plain.toString().replace(/"nonce":"./, '"nonce":"x'));
  const last = await lastLine(chain);
  const append = async (name: string, event: object, signer = ops) => {
    const said = await signStatement({ ...last.value, seq: last.seq + 1, prev: last.sha256, event }, signer);
    return put(name, line(last.seq + 1), said);
  };
  const whole = {
    type: 'purge-intent',
    id: 'w',
    subject: 'all',
    whole: true,
    plan: sha256Hex(plain),
    snapshots: [],
  };
  const strange = `keep-039/${SET}/suppression/deadbeef.pgp`;
  return [
    {
      name: 'suppression-gone',
      what: 'the object that says who was erased is gone',
      changes: [{ do: 'remove', file: sealed }],
      read: read(missed),
      code: 'SUPPRESSION_MISSING',
    },
    {
      name: 'suppression-flipped',
      what: 'a bit of it is another one',
      changes: [{ do: 'flip', file: sealed, at: 300 }],
      read: read(missed),
      code: 'SUPPRESSION_UNREADABLE',
    },
    {
      name: 'suppression-by-host',
      what: 'a host has sealed it',
      changes: [await put('suppression-by-host', sealed, await reseal(plain, db1))],
      read: read(missed),
      code: 'SUPPRESSION_UNREADABLE',
    },
    {
      name: 'suppression-other',
      what: 'its plaintext is not the one that the ledger names',
      changes: [await put('suppression-other', sealed, await reseal(other))],
      read: read(missed),
      code: 'SUPPRESSION_UNREADABLE',
    },
    {
      name: 'suppression-unknown',
      what: 'there is suppression of a purge of which the ledger does not tell',
      changes: [{ do: 'copy', from: sealed, file: strange }],
      read: read(amended),
      code: 'SUPPRESSION_UNKNOWN',
    },
    {
      name: 'purge-by-host',
      what: 'a host purges',
      changes: [await append('purge-by-host', { ...whole, whole: false }, db1)],
      read: read(amended),
      code: 'SIGNER_NOT_TRUSTED',
    },
    {
      name: 'purge-by-stranger',
      what: 'nobody vouches for the signer of a purge',
      changes: [await append('purge-by-stranger', { ...whole, whole: false }, stranger)],
      read: read(amended),
      code: 'SIGNER_NOT_TRUSTED',
    },
    {
      name: 'set-erased',
      what: 'the whole set was erased, and this snapshot was missed',
      changes: [await append('set-erased', whole)],
      read: read(missed),
      code: 'SET_ERASED',
    },
    {
      name: 'purge-unfinished',
      what: 'another purge was announced, of which there is no suppression',
      changes: [await append('purge-unfinished', { ...whole, whole: false, map: sha256Hex(plain) })],
      read: read(amended),
      code: 'SUPPRESSION_MISSING',
    },
    {
      name: 'ledger-cut',
      what: 'the ledger was cut off before the purge',
      changes: Array.from({ length: last.seq }, (_, at) => ({ do: 'remove', file: line(at + 1) }) as const),
      read: read(amended),
      code: 'AMENDMENT_UNKNOWN',
    },
  ];
}

async function lastLine(chain: string) {
  const files = (await readdir(join(ROOT, chain))).sort();
  const bytes = await readFile(join(ROOT, chain, files.at(-1) ?? ''));
  const value = JSON.parse(bytes.toString().split('\n')[0] ?? '') as object;
  return { seq: files.length, sha256: sha256Hex(bytes), value };
}
