/** Remembers what the database held when each snapshot was made, and checks a store against it. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CliResult } from '../services/cli.ts';
import { committedIn, makeHost, snapshotsOf } from '../services/machines.ts';
import type { Host, Machine, Place } from '../services/machines.ts';
import { addBulk, dayOfBusiness, openShop, withDatabase } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';

export interface DiaryRun {
  readonly result: CliResult;
  /** The run made a snapshot, whatever its end was. */
  readonly committed: boolean;
  /** How long the backup ran, in milliseconds. */
  readonly ms: number;
}

export class Diary {
  readonly host: Host;
  readonly #reader: Machine;
  readonly #database: string;
  /** Digest of the database's content by snapshot, oldest first. */
  readonly #days = new Map<string, string>();

  private constructor(host: Host, reader: Machine, database: string) {
    this.host = host;
    this.#reader = reader;
    this.#database = database;
  }

  /** A host with a shop of `mebibytes` of incompressible data (a pack holds 8) and one snapshot. */
  static async open(place: Place, mebibytes: number): Promise<Diary> {
    const database = join(await tempFolder('shop'), 'shop.db');
    openShop(database);
    addBulk(database, mebibytes);
    const host = await makeHost({ place, source: ['--source', 'sqlite', '--path', database] });
    const diary = new Diary(host, await host.reader(), database);
    expect((await diary.day()).committed).toBe(true);
    return diary;
  }

  /**
   * Something happens in the shop, and a backup runs, perhaps not to its end. Then verify finds nothing wrong with
   * what is there, nothing that was there is gone, and at most this one snapshot is new. (After a run that went well
   * `check` looks, in the end.)
   */
  async day(args: readonly string[] = [], how: Parameters<Machine['run']>[1] = {}): Promise<DiaryRun> {
    dayOfBusiness(this.#database);
    const content = digestOf(this.#database);
    const startedMs = performance.now();
    const result = await this.host.run(['backup', ...args], how);
    const ms = performance.now() - startedMs;
    const fresh = (await committedIn(this.host.place)).filter((snapshot) => !this.#days.has(snapshot));
    expect(fresh.length).toBeLessThanOrEqual(1);
    for (const snapshot of fresh) this.#days.set(snapshot, content);
    if (result.exitCode !== 0) await this.#verify();
    return { result, committed: fresh.length === 1, ms };
  }

  /** What is listed is what was committed; every byte opens; every snapshot restores to exactly its day. */
  async check(): Promise<void> {
    expect(this.#days.size).toBeGreaterThan(1);
    expect((await snapshotsOf(this.host)).sort()).toEqual([...this.#days.keys()].sort());
    await this.#verify('--read-data');
    for (const snapshot of this.#days.keys()) await this.#restore(snapshot);
  }

  async #verify(...args: string[]): Promise<void> {
    const { json } = await this.#reader.good(['verify', '--json', ...args]);
    expect(json.at(-1)).toMatchObject({
      problems: 0,
      unchecked: 0,
      sets: [{ snapshots: this.#days.size, sound: this.#days.size }],
    });
  }

  async #restore(snapshot: string): Promise<void> {
    const to = join(this.#reader.folder, `${snapshot}.db`);
    await this.#reader.good(['restore', `shop@${snapshot}`, '--to', to]);
    expect(digestOf(to)).toBe(this.#days.get(snapshot));
    await rm(to);
  }
}

function digestOf(path: string): string {
  return withDatabase(path, (db) => {
    const digest = createHash('sha256');
    for (const table of ['shop_customers', 'shop_orders', 'shop_scans']) {
      for (const row of db.prepare(`SELECT * FROM ${table} ORDER BY id`).iterate()) {
        for (const value of Object.values(row))
          digest.update(value instanceof Uint8Array ? value : `${String(value)},`);
      }
    }
    return digest.digest('hex');
  });
}
