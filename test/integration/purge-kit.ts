/** What the tests of purges share: a world whose set is a small SQLite shop, a map of it, and plan and apply as one call. */
import { join } from 'node:path';
import type { SQLOutputValue } from 'node:sqlite';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { viewSet, openManifest } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { script } from '../../src/restore/script.ts';
import { applyPurge } from '../../src/purge/apply/apply.ts';
import type { ApplyOptions, PurgeReport } from '../../src/purge/apply/apply-options.ts';
import { findingsFor } from '../../src/purge/plan/found.ts';
import { lookThrough } from '../../src/purge/locate/look-through.ts';
import { planPurge } from '../../src/purge/plan/plan.ts';
import type { PlanOptions, PlanReport } from '../../src/purge/plan/plan.ts';
import { openPlan, sealPlan } from '../../src/purge/plan/request.ts';
import type { PurgePlan } from '../../src/purge/plan/request.ts';
import type { Session } from '../../src/repository/session.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { sqliteSource } from '../../src/sources/sqlite/source.ts';
import type { Store } from '../../src/stores/store.ts';
import type { Subject } from '../../src/subjects/closure.ts';
import { withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { SET, SIGNAL, makeWorld } from '../services/world.ts';
import type { BackupChoices, World } from '../services/world.ts';

export const MAP = `
version: 1
subject: customer
root: { table: customers, key: id, lookup: { email: lower } }
tables:
  customers: { erase: delete }
  orders: { link: { customer: customers.id }, erase: delete }
  events: { link: { customer: customers.id }, erase: { set: { customer: null, who: null } } }
  countries: { no_personal_data: true }
`;

/** What plan, apply and dumps work on. */
export type Purged = Pick<World, 'session' | 'ops' | 'reopen'>;

export interface Shop extends World {
  readonly database: string;
  sql(text: string): void;
  day(options?: Partial<BackupChoices>): Promise<string>;
}

/** A shop with customers 1 to 200, whose rows take several segments. */
export async function makeShop(wrap?: (store: Store) => Store): Promise<Shop> {
  const world = await makeWorld(wrap);
  const folder = await tempFolder('shop');
  const database = join(folder, 'shop.db');
  const sql = (text: string) => withDatabase(database, (db) => db.exec(text));
  sql(`
    CREATE TABLE countries(code TEXT PRIMARY KEY);
    INSERT INTO countries VALUES ('ca'), ('de');
    CREATE TABLE customers(id INTEGER PRIMARY KEY, email TEXT NOT NULL, note TEXT);
    CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers(id), what TEXT);
    CREATE TABLE events(id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customers(id), who TEXT, what TEXT);
  `);
  withDatabase(database, (db) => {
    const person = db.prepare('INSERT INTO customers VALUES (?, ?, ?)');
    const order = db.prepare('INSERT INTO orders(customer, what) VALUES (?, ?)');
    const event = db.prepare('INSERT INTO events(customer, who, what) VALUES (?, ?, ?)');
    for (let id = 1; id <= 200; id++) person.run(id, `Person${id}@example.org`, 'x'.repeat(500));
    for (let n = 0; n < 4000; n++) order.run(1 + (n % 200), `thing ${n} ${(n * 2654435761) % 4294967291}`);
    for (let n = 0; n < 4000; n++)
      event.run(1 + (n % 200), `Person${1 + (n % 200)}@example.org`, `event ${n}`);
  });
  const day = async (options: Partial<BackupChoices> = {}) => {
    const source = sqliteSource({ path: database, scratch: join(folder, 'scratch') });
    return (await world.backup({}, { source, ...options })).entry.snapshot;
  };
  return { ...world, database, sql, day };
}

export function customer(id: number): Subject {
  return { by: ['id'], known: new Map([['id', String(id)]]) };
}

/** All rows of a snapshot as `cat` gives them, whatever its revision, read by a machine that has never been here. */
export async function dumpOf(shop: Purged, snapshot: string): Promise<string> {
  return dumpWith(shop, await shop.reopen(await tempFolder('reader')), snapshot);
}

export async function dumpWith(shop: Purged, session: Session, snapshot: string): Promise<string> {
  const view = await viewSet(session, SET, false, SIGNAL);
  const item = view.catalog.entries.find(({ entry }) => entry.snapshot === snapshot);
  if (!item) throw new Error(`no snapshot ${snapshot}`);
  const manifest = await openManifest(session, item, new KeyOpener([shop.ops]), SIGNAL);
  await using pool = SegmentPool.forReading();
  const reader = new SnapshotReader(session.store, manifest, pool);
  const pieces = await Array.fromAsync(script(reader, { globals: false }, SIGNAL));
  return Buffer.concat(pieces).toString();
}

/** The rows of a table, as SQLite has them. */
export function rowsIn(database: string, query: string): Record<string, SQLOutputValue>[] {
  return withDatabase(database, (db) => db.prepare(query).all());
}

export interface PlanChoices {
  readonly session?: Session<Store>;
  readonly map?: string;
  readonly scan?: boolean;
  readonly allMatches?: boolean;
  readonly places?: PlanOptions['places'];
}

export async function plan(
  shop: Purged,
  subjects: readonly Subject[],
  { session = shop.session, map = MAP, scan = false, allMatches = false, places = [] }: PlanChoices = {},
): Promise<{ readonly report: PlanReport; readonly plan: PurgePlan }> {
  await using pool = SegmentPool.forReading();
  const opener = new KeyOpener([shop.ops]);
  const options = { session, set: SET, opener, pool, map, subject: 'customer', subjects, ref: 'T-7', scan };
  const more = { allMatches, places };
  const report = await planPurge({ ...options, ...more }, SIGNAL);
  const sealed = await sealPlan(report.plan, [shop.ops.toPublic()], shop.ops);
  return { report, plan: await openPlan(sealed, opener, session.operators, 'the plan') };
}

export interface Applied extends PurgeReport {
  readonly page: string;
}

export async function apply(
  shop: Purged,
  planned: PurgePlan,
  change: Partial<ApplyOptions> = {},
  signal: AbortSignal = SIGNAL,
): Promise<Applied> {
  await using pool = SegmentPool.forReading();
  const opener = new KeyOpener([shop.ops]);
  const session = change.session ?? shop.session;
  let page = '';
  const report = await applyPurge(
    {
      session,
      set: SET,
      plan: planned,
      opener,
      recipients: [shop.ops.toPublic()],
      purgeSigners: [],
      signer: shop.ops,
      pool,
      level: 1,
      locksAt: () => ({ ofPack: () => undefined, ofManifest: () => undefined }),
      bypassGovernance: false,
      removeDeadRuns: false,
      locate: (items, stop, quiet) => {
        const searched = quiet ? undefined : findingsFor(planned, items, planned.signer);
        const options = { session, opener, pool, ...planned, fillsGaps: true, searched };
        return lookThrough(items, { ...options, ...(quiet && { quiet }) }, stop);
      },
      putSuppression: () => Promise.resolve(undefined),
      copies: [],
      levelCopies: () => Promise.resolve([]),
      writeReceipt: (_receipt, text) => Promise.resolve(void (page = text)),
      onStep: () => undefined,
      onProgress: () => undefined,
      ...change,
    },
    signal,
  );
  return { ...report, page };
}

/** What a dump of the shop is once a customer was erased from it. */
export function without(dump: string, id: number): string {
  return dump
    .split('\n')
    .map((line) =>
      line.replace(new RegExp(`^(INSERT INTO "events"\\S* VALUES\\(\\d+),${id},'[^']*',`), '$1,NULL,NULL,'),
    )
    .filter((line) => !isAbout(line, id))
    .join('\n');
}

function isAbout(line: string, id: number): boolean {
  return (
    line.includes(`Person${id}@example.org`) || new RegExp(`"orders"\\S* VALUES\\(\\d+,${id},`).test(line)
  );
}
