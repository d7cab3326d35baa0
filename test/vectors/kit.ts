/** What making the vectors and testing them share: where they lie, their throw-away keys, and their time. */
import { join } from 'node:path';
import { readPrivateKey } from '../../src/openpgp/keys.ts';
import type { openpgp } from '../../src/openpgp/library.ts';
import { delegating } from '../../src/stores/delegating.ts';
import type { Store } from '../../src/stores/store.ts';

export const SIGNAL = new AbortController().signal;

export const FOLDER = import.meta.dirname;
export const STORE_FOLDER = join(FOLDER, 'accepted/store');
export const EXPECTED_FOLDER = join(FOLDER, 'accepted/expected');
export const REFUSED_FOLDER = join(FOLDER, 'refused');

/** The accepted store after its set `shop` was rotated from `ops` to `next`, and objects for what is refused in it. */
export const AMENDED_FOLDER = join(FOLDER, 'amended');

/** A store out of which one customer was erased; see `make-purged.ts`. */
export const PURGED_FOLDER = join(FOLDER, 'purged');

/** The moment at which the vectors are read: no snapshot in them is past its end then. */
export const NOW = new Date('2026-11-21T12:00:00.000Z');

/**
 * - `ops`: the recipient, who initialised the store;
 * - `db1`: a host that ops has certified;
 * - `db2`: a host that only the reader's configuration names;
 * - `officer`: signs the ledger;
 * - `stranger`: nobody knows;
 * - `next`: the recipient after `ops` in the amended store.
 */
export const KEY_NAMES = ['ops', 'db1', 'db2', 'officer', 'stranger', 'next'] as const;
export type Keys = Readonly<Record<(typeof KEY_NAMES)[number], openpgp.PrivateKey>>;

export function keyFile(name: string): string {
  return join(FOLDER, 'keys', `${name}.key`);
}

export async function readKeys(): Promise<Keys> {
  const read = async (name: string) => [
    name,
    await readPrivateKey(keyFile(name), () => Promise.resolve(undefined)),
  ];
  return Object.fromEntries(await Promise.all(KEY_NAMES.map(read))) as Keys;
}

/** A store whose clock stands where it is put: the vectors were made on certain days and are read on another one. */
export function withClock(store: Store, now: () => Date): Store {
  return {
    ...delegating(store),
    now: () => Promise.resolve(now()),
  };
}

/** A snapshot that is refused: what is changed in the accepted store, what is then read, and the code of the error. */
export interface RefusedCase {
  readonly name: string;
  /** What was done, for people. */
  readonly what: string;
  readonly changes: readonly Change[];
  readonly read: SnapshotPlace;
  /** The reader has read the accepted store before the change. */
  readonly seen?: true;
  /** The reader's configuration names no host, only the recipient. */
  readonly hosts?: 'none';
  /** Of the HoldfastError; `verify` cases are those that only the hash chain shows, which `verify` follows. */
  readonly code?: string;
  readonly verify?: 'problem';
}

export interface SnapshotPlace {
  readonly set: string;
  readonly snapshot: string;
}

export type Change =
  | { readonly do: 'flip'; readonly file: string; readonly at: number }
  | { readonly do: 'truncate'; readonly file: string; readonly to: number }
  | { readonly do: 'append'; readonly file: string; readonly text: string }
  | { readonly do: 'remove'; readonly file: string }
  | { readonly do: 'swap'; readonly file: string; readonly with: string }
  | { readonly do: 'copy'; readonly file: string; readonly from: string }
  /** A prepared object from the folder `refused/`, or for the amended store from `amended/refused/`. */
  | { readonly do: 'put'; readonly file: string; readonly object: string };

/** What is expected of an accepted snapshot. */
export interface ExpectedSnapshot extends SnapshotPlace {
  readonly time: string;
  readonly full: boolean;
  /** Name, section, dialect, segments, rows and bytes of each stream. */
  readonly streams: readonly (readonly [string, string, string, number, number, number])[];
  /** File below `accepted/expected/` with the streams outside of `globals`, in order. */
  readonly sql: string;
  /** The same with the streams of `globals`; absent when there are none. */
  readonly globals?: string;
}

/** What is expected of the purged store. */
export interface PurgedVectors {
  /** The id in the ledger. */
  readonly purge: string;
  /** The subject map's text, as in side-cars and suppression. */
  readonly map: string;
  readonly snapshots: readonly PurgedSnapshot[];
  readonly indexed: readonly IndexedKey[];
  readonly suppression: {
    /** As in the sealed object. */
    readonly subjects: readonly { readonly by: readonly string[]; readonly known: readonly unknown[] }[];
    /** As in the other one. */
    readonly tokens: readonly string[];
  };
  readonly refused: readonly RefusedCase[];
}

/** `purged/expected/NAME.sql` is what is given of it. */
export interface PurgedSnapshot extends SnapshotPlace {
  readonly name: string;
  readonly revision: number;
  /** Purges that have not been through it, and what is left out for them when it is read. */
  readonly pending: readonly string[];
  readonly leftOut: { readonly deleted: number; readonly changed: number };
}

/** What is pending in the purged store after a further line of its ledger; each reads as before otherwise. */
export interface LeftCase {
  readonly name: string;
  /** What the line says, for people. */
  readonly what: string;
  /** Objects are in `purged/left/`. */
  readonly changes: readonly Change[];
  readonly pending: Readonly<Record<'clear' | 'amended', readonly string[]>>;
}

/** Where an index says that rows with a key are. */
export interface IndexedKey {
  readonly snapshot: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** In the form in which it is compared. */
  readonly key: string;
  /** Segments of the table, by their place in its stream: those that may have it. */
  readonly segments: readonly number[];
}
