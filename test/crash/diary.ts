/** Remembers what the database held when each snapshot was made, and checks a store against it. */
import { hash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { contentsOf } from '../integration/sqlite-kit.ts';
import type { CliResult } from '../services/cli.ts';
import { makeHost, snapshotsOf } from '../services/machines.ts';
import type { Host, Machine, Place } from '../services/machines.ts';
import { addBulk, dayOfBusiness, openShop } from '../services/shop.ts';
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
   * Something happens in the shop, and a backup runs, perhaps not to its end. Then: verify finds nothing wrong with
   * what is there, at most this one snapshot is new, and if there is one it restores to what the shop held.
   */
  async day(args: readonly string[] = [], how: Parameters<Machine['run']>[1] = {}): Promise<DiaryRun> {
    dayOfBusiness(this.#database);
    const content = digestOf(this.#database);
    const startedMs = performance.now();
    const result = await this.host.run(['backup', ...args], how);
    const ms = performance.now() - startedMs;
    const known = [...this.#days.keys()];
    const listed = await snapshotsOf(this.host);
    expect(listed.slice(0, known.length)).toEqual(known);
    const fresh = listed.slice(known.length);
    expect(fresh.length).toBeLessThanOrEqual(1);
    for (const snapshot of fresh) this.#days.set(snapshot, content);
    await this.#verify();
    for (const snapshot of fresh) await this.#restore(snapshot);
    return { result, committed: fresh.length === 1, ms };
  }

  /** Every snapshot restores to exactly its day. */
  async restoreAll(): Promise<void> {
    expect(this.#days.size).toBeGreaterThan(1);
    for (const snapshot of this.#days.keys()) await this.#restore(snapshot);
  }

  async #verify(): Promise<void> {
    const { json } = await this.#reader.good(['verify', '--read-data', '--json']);
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

function digestOf(database: string): string {
  return hash('sha256', JSON.stringify(contentsOf(database)), 'hex');
}
