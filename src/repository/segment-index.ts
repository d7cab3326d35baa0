/**
 * The segment index: which plaintexts of a chain the store already has, and where. One SQLite file per store, set
 * and chain on the host. It holds ids, salts and places, never keys or hashes of plaintext, and a row only for a
 * segment whose pack the store has acknowledged.
 */
import { DatabaseSync } from 'node:sqlite';
import type { StatementSync } from 'node:sqlite';
import { reasonOf } from '../errors.ts';
import { SALT_BYTES } from '../segments/chain-keys.ts';
import { stateUnusable } from './errors.ts';

export interface IndexedPack {
  /** `NNN/ID`. */
  readonly ref: string;
  readonly bytes: number;
}

export interface IndexedSegment {
  readonly id: Uint8Array;
  readonly salt: Uint8Array;
  /** Of the sealed bytes. */
  readonly sha256: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly plain: number;
  readonly rows: number;
}

/** Bytes of a pack that lie elsewhere now, in a pack `NNN/ID`. */
export type MovedRange = readonly [from: number, bytes: number, pack: string, to: number];

export interface FoundSegment extends Omit<IndexedSegment, 'id' | 'sha256'> {
  readonly pack: number;
  /** Of the sealed bytes, hex. */
  readonly sha256: string;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA cache_size = -32768;
  PRAGMA secure_delete = ON;
  CREATE TABLE IF NOT EXISTS packs (
    pack INTEGER PRIMARY KEY, ref TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS segments (
    id BLOB PRIMARY KEY, salt_sha256 BLOB NOT NULL, pack INTEGER NOT NULL, "offset" INTEGER NOT NULL,
    length INTEGER NOT NULL, plain INTEGER NOT NULL, "rows" INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS segments_by_pack ON segments (pack, "offset");
`;

export class SegmentIndex implements Disposable {
  readonly #db: DatabaseSync;
  readonly #find: StatementSync;
  readonly #addPack: StatementSync;
  readonly #addSegment: StatementSync;

  /** Opens or creates the file, mode 0600 through the folder's 0700. */
  constructor(file: string) {
    try {
      this.#db = new DatabaseSync(file);
      this.#db.exec(SCHEMA);
      this.#find = this.#db.prepare(
        // As text: a blob would come as memory of its own, for each of millions of segments of an unchanged day.
        `SELECT hex(substr(salt_sha256, 1, ${SALT_BYTES})) AS salt, lower(hex(substr(salt_sha256, ${SALT_BYTES + 1}))) AS sha256,
           pack, "offset", length, plain, "rows" FROM segments WHERE id = ?`,
      );
      this.#addPack = this.#db.prepare('INSERT INTO packs (ref, bytes) VALUES (?, ?) RETURNING pack');
      this.#addSegment = this.#db.prepare('INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?, ?, ?, ?)');
    } catch (cause) {
      throw stateUnusable(file, reasonOf(cause), cause);
    }
  }

  find(id: Uint8Array): FoundSegment | undefined {
    const row = this.#find.get(id) as (Omit<FoundSegment, 'salt'> & { salt: string }) | undefined;
    return row && { ...row, salt: Buffer.from(row.salt, 'hex') };
  }

  /**
   * Records an acknowledged pack with its segments, in one transaction.
   * @returns the number under which `find` names the pack
   */
  add(pack: IndexedPack, segments: readonly IndexedSegment[]): number {
    return this.#transaction(() => {
      const row = this.#addPack.get(pack.ref, pack.bytes) as { pack: number };
      for (const { id, salt, sha256, offset, length, plain, rows } of segments) {
        this.#addSegment.run(id, Buffer.concat([salt, sha256]), row.pack, offset, length, plain, rows);
      }
      return row.pack;
    });
  }

  *packs(): Iterable<IndexedPack & { readonly pack: number }> {
    for (const row of this.#db.prepare('SELECT * FROM packs').iterate()) {
      yield row as unknown as IndexedPack & { readonly pack: number };
    }
  }

  /** Forgets packs that the store no longer has, with their segments. */
  dropPacks(packs: readonly number[]): void {
    this.#transaction(() => {
      const segments = this.#db.prepare('DELETE FROM segments WHERE pack = ?');
      const rows = this.#db.prepare('DELETE FROM packs WHERE pack = ?');
      for (const pack of packs) {
        segments.run(pack);
        rows.run(pack);
      }
    });
  }

  /**
   * Forgets retired segments, so that they are never referenced again.
   * @returns how many were still there
   */
  retire(places: Iterable<readonly [ref: string, offset: number]>): number {
    let gone = 0;
    this.#transaction(() => {
      const drop = this.#db.prepare(
        'DELETE FROM segments WHERE pack = (SELECT pack FROM packs WHERE ref = ?) AND "offset" = ?',
      );
      for (const [ref, offset] of places) gone += Number(drop.run(ref, offset).changes);
    });
    return gone;
  }

  /**
   * Takes the segments of a pack for where they lie now. What was not moved is forgotten, and so is the pack.
   * @returns how many were known there
   */
  move(from: string, ranges: readonly MovedRange[], sizes: ReadonlyMap<string, number>): number {
    return this.#transaction(() => {
      const old = this.#packNumber(from);
      if (old === undefined) return 0;
      const known = this.#db.prepare('SELECT count(*) AS n FROM segments WHERE pack = ?').get(old);
      const move = this.#db.prepare(
        `UPDATE segments SET pack = ?, "offset" = "offset" + ?
           WHERE pack = ? AND "offset" >= ? AND "offset" + length <= ?`,
      );
      for (const [at, bytes, ref, to] of ranges) {
        const size = sizes.get(ref);
        if (size === undefined) continue;
        const pack = this.#packNumber(ref) ?? (this.#addPack.get(ref, size) as { pack: number }).pack;
        move.run(pack, to - at, old, at, at + bytes);
      }
      this.#db.prepare('DELETE FROM segments WHERE pack = ?').run(old);
      this.#db.prepare('DELETE FROM packs WHERE pack = ?').run(old);
      return (known as { n: number }).n;
    });
  }

  #packNumber(ref: string): number | undefined {
    const row = this.#db.prepare('SELECT pack FROM packs WHERE ref = ?').get(ref);
    return (row as { pack: number } | undefined)?.pack;
  }

  get size(): number {
    return (this.#db.prepare('SELECT count(*) AS n FROM segments').get() as { n: number }).n;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }
}
