/**
 * What the tests of suppression share: a shop whose customers write orders and newsletters, and purges that have been
 * announced and have reached no snapshot.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPrivateKey } from '../../src/openpgp/keys.ts';
import type { openpgp } from '../../src/openpgp/library.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import type { MessageOpener } from '../../src/openpgp/message.ts';
import type { Located } from '../../src/purge/locate/located.ts';
import type { PurgePlan } from '../../src/purge/plan/request.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import { appendLedger, operatorName } from '../../src/repository/ledger-writer.ts';
import { openSession } from '../../src/repository/session.ts';
import type { Session } from '../../src/repository/session.ts';
import { mustBeApplicable, openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { script } from '../../src/restore/script.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import type { Source } from '../../src/sources/source.ts';
import type { Store } from '../../src/stores/store.ts';
import type { Schema } from '../../src/sources/schema.ts';
import type { Subject } from '../../src/subjects/closure.ts';
import type { Engine } from '../../src/subjects/compare.ts';
import { putSuppression } from '../../src/suppression/put.ts';
import type { Suppression, SuppressionRef } from '../../src/suppression/objects.ts';
import { withoutPurged } from '../../src/suppression/without.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import type { World } from '../services/world.ts';
import { MAP as SHOP_MAP } from './purge-kit.ts';
import { sessionFor } from './rotate-kit.ts';

const SIGNAL = new AbortController().signal;
const DAYS = 40;

/** Every way in which a row is somebody's that a dump meets in an awkward order: grandchildren before parents. */
export const MAP = `version: 1
subject: customer
root: { table: customers, key: id, lookup: { email: lower } }
tables:
  customers: { erase: delete }
  a_lines: { link: { order_id: orders.id }, erase: delete }
  orders: { link: { customer: customers.id }, erase: delete }
  invoices: { link: { customer: customers.id }, keep: { because: tax law, until: 7y, set: { name: erased } } }
  newsletter: { link: { mail: customers.email, canonical: lower }, erase: delete }
  products: { no_personal_data: true }
`;

/** Customers 1 to 20, each with two orders of two lines, an invoice and a newsletter. */
export function fillShop(path: string): void {
  withDatabase(path, (db) => {
    db.exec(`
      CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT NOT NULL);
      CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INT NOT NULL REFERENCES customers, note TEXT);
      CREATE TABLE a_lines(id INTEGER PRIMARY KEY, order_id INT NOT NULL REFERENCES orders, what TEXT);
      CREATE TABLE invoices(id INTEGER PRIMARY KEY, customer INT NOT NULL, name TEXT);
      CREATE TABLE newsletter(mail TEXT);
      CREATE TABLE products(id INTEGER PRIMARY KEY, title TEXT);
      INSERT INTO products(title) VALUES ('bread'), ('butter');`);
    for (let id = 1; id <= 20; id++) addCustomer(db, id, `person${id}@example.org`);
  });
}

type Database = Parameters<Parameters<typeof withDatabase>[1]>[0];

export function addCustomer(db: Database, id: number, email: string): void {
  db.prepare('INSERT INTO customers VALUES (?, ?)').run(id, email);
  for (const order of [id * 10, id * 10 + 1]) {
    db.prepare('INSERT INTO orders VALUES (?, ?, ?)').run(order, id, `canary-order-${id}`);
    for (const line of [order * 10, order * 10 + 1])
      db.prepare('INSERT INTO a_lines VALUES (?, ?, ?)').run(line, order, `canary-line-${id}`);
  }
  db.prepare('INSERT INTO invoices(customer, name) VALUES (?, ?)').run(id, `canary-name-${id}`);
  db.prepare('INSERT INTO newsletter VALUES (?)').run(email.toUpperCase());
}

export interface ShopHost {
  readonly host: Host;
  readonly path: string;
  readonly ops: openpgp.PrivateKey;
}

/** A host with that shop, its map in the configuration, and one snapshot. */
export async function shopHost(more = ''): Promise<ShopHost & { readonly snapshot: string }> {
  const path = join(await tempFolder('shop'), 'shop.db');
  fillShop(path);
  const host = await makeHost({ place: await folderPlace(), source: ['--source', 'sqlite', '--path', path] });
  await writeFile(join(host.folder, 'map.yaml'), MAP);
  await configure(host.folder, `subjects: map.yaml\n${more}`);
  const ops = await readPrivateKey(host.opsKey, () => Promise.resolve(undefined));
  const { snapshot } = await backUp(host);
  return { host, path, ops, snapshot };
}

/** Adds lines to the set. */
export async function configure(folder: string, lines: string): Promise<void> {
  const file = join(folder, 'holdfast.yaml');
  const indented = lines.replace(/^(?=.)/gm, '    ');
  await writeFile(
    file,
    (await readFile(file, 'utf8')).replace(/^( {4}source: .*\n)/m, (line) => `${line}${indented}`),
  );
}

/** A session of the privacy officer. */
export async function operatorSession(store: Store, ops: openpgp.PrivateKey): Promise<Session<Store>> {
  const recipients = [ops.toPublic()];
  const stateDir = await tempFolder('operator');
  return openSession({ store, signers: [], recipients, purgeSigners: [], stateDir }, SIGNAL);
}

export function customer(id: number, email?: string): Subject {
  const known = new Map([['id', String(id)], ...(email === undefined ? [] : [['email', email] as const])]);
  return { by: ['id'], known };
}

/** Announces a purge as `purge apply` does, and stops there: no snapshot has been through it. */
export async function announce(
  { host, path, ops }: ShopHost,
  purge: string,
  subjects: readonly Subject[],
): Promise<SuppressionRef> {
  const source = sqliteSource({ path, scratch: await tempFolder('scratch') });
  return announceIn({ host, ops }, purge, { map: MAP, source, subjects });
}

/** As `announce`, for any source. */
export async function announceIn(
  { host, ops }: Pick<ShopHost, 'host' | 'ops'>,
  purge: string,
  { map, source, subjects }: { map: string; source: Source; subjects: readonly Subject[] },
): Promise<SuppressionRef> {
  await using stack = new AsyncDisposableStack();
  const store = await host.place.open();
  stack.defer(() => store.close());
  const schema = await source.schema(SIGNAL);
  const engine = source.kind === 'sqlite' ? 'sqlite' : 'postgres';
  return await announceWith(store, ops, { purge, map, subjects }, schema, engine);
}

async function announceWith(
  store: Store,
  ops: openpgp.PrivateKey,
  suppression: Suppression,
  schema: Schema,
  engine: Engine,
): Promise<SuppressionRef> {
  const session = await operatorSession(store, ops);
  const ref = await putSuppression(
    session,
    'shop',
    suppression,
    { schema, engine, days: DAYS, recipients: [ops.toPublic()], signer: ops },
    SIGNAL,
  );
  const sha256 = '0'.repeat(64);
  const id = suppression.purge;
  const event = { type: 'purge-intent', id, subject: 'someone', map: sha256, plan: sha256 };
  await say(session, ops, { ...event, snapshots: [], suppression: ref });
  return ref;
}

/** As `announce`, in a world of rooms: for its set, by the map of `purge-kit.ts`. */
export async function announceInWorld(
  world: Pick<World, 'store' | 'ops'>,
  purge: string,
  subjects: readonly Subject[],
  path: string,
): Promise<SuppressionRef> {
  const source = sqliteSource({ path, scratch: await tempFolder('scratch') });
  const schema = await source.schema(SIGNAL);
  return announceWith(world.store, world.ops, { purge, map: SHOP_MAP, subjects }, schema, 'sqlite');
}

/** What `purge apply` puts before its first line in the ledger. */
export function suppressIn(
  { ops }: Pick<World, 'ops'>,
  session: Session<Store>,
  { id, map, set }: Pick<PurgePlan, 'id' | 'map' | 'set'>,
) {
  return async (
    { snapshots, subjects }: Located,
    signal: AbortSignal,
  ): Promise<SuppressionRef | undefined> => {
    const schema = snapshots.at(-1)?.schema;
    if (schema === undefined) return undefined;
    const options = {
      schema,
      engine: 'sqlite',
      days: DAYS,
      recipients: [ops.toPublic()],
      signer: ops,
    } as const;
    return putSuppression(session, set, { purge: id, map, subjects }, options, signal);
  };
}

export interface ReaderKeys {
  readonly opener: MessageOpener;
  readonly recipients: readonly openpgp.PrivateKey[];
  readonly former: readonly openpgp.PrivateKey[];
}

/** The SQL of a snapshot without whom purges have erased, by the road of `cat`, on a machine that was never here. */
export async function readWithout(
  world: Pick<World, 'store' | 'ops'>,
  snapshot: string,
  keys?: ReaderKeys,
): Promise<string> {
  const { recipients, former, opener } = keys ?? {
    recipients: [world.ops],
    former: [],
    opener: new KeyOpener([world.ops]),
  };
  const session = await sessionFor(world.store, recipients, former);
  const view = await viewSet(session, 'shop', false, SIGNAL);
  mustBeApplicable(view);
  const item = view.catalog.entries.find(({ entry }) => entry.snapshot === snapshot);
  if (!item) throw new Error(`no snapshot ${snapshot}`);
  const manifest = await openManifest(session, item, opener, SIGNAL);
  await using pool = SegmentPool.forReading();
  const source = new SnapshotReader(session.store, manifest, pool);
  const { ledger, now } = view;
  const about = { session, set: 'shop', item, manifest, source, pool, ledger, opener, now };
  const { reader } = await withoutPurged({ ...about, allowed: [], ledgerIsLost: false }, SIGNAL);
  const pieces = await Array.fromAsync(script(reader, { globals: false }, SIGNAL));
  return Buffer.concat(pieces).toString();
}

/** Adds a line to the ledger. */
export async function say(
  session: Session<Store>,
  ops: openpgp.PrivateKey,
  event: { readonly type: string } & Record<string, unknown>,
): Promise<void> {
  await appendLedger(session, 'shop', operatorName(ops), ops, event, SIGNAL);
}

/** The events of the ledger as it is in the store. */
export async function eventsOf({ host, ops }: ShopHost): Promise<readonly Record<string, unknown>[]> {
  const store = await host.place.open();
  try {
    const { lines } = await readLedger(await operatorSession(store, ops), 'shop', SIGNAL);
    return lines.map(({ event }) => event);
  } finally {
    await store.close();
  }
}

/** The rows of every table, as text. */
export function rowsOf(path: string): Record<string, string[]> {
  return withDatabase(path, (db) =>
    Object.fromEntries(
      ['customers', 'orders', 'a_lines', 'invoices', 'newsletter', 'products'].map((table) => [
        table,
        db
          .prepare(`SELECT * FROM ${table} ORDER BY 1`)
          .all()
          .map((row) => JSON.stringify(row)),
      ]),
    ),
  );
}
