/** What a copy is planned from: listings of both sides, and what the source's catalogue says is current. */
import { daysOfPrefix } from '../repository/layout.ts';

/** An object as a listing shows it. */
export interface Listed {
  readonly bytes: number;
  /** By the clock of the store that it lies in. */
  readonly modified: Date;
}

/** Of one side: what belongs to the store as a whole and to one set, by key. */
export type Listing = ReadonlyMap<string, Listed>;

/** An object that was proven elsewhere: by a signature, or by a hash in something that is signed. */
export interface Proven {
  readonly key: string;
  /** It must be one of these; more than one only where two lines of the ledger name one revision. */
  readonly sha256: readonly string[];
}

/** A snapshot of the source in the revision that counts. */
export interface SourceSnapshot {
  readonly snapshot: string;
  /** The end of its promise. */
  readonly end: Date;
  readonly revision: number;
  readonly entry: Proven;
  readonly manifest: Proven & { readonly bytes: number };
  /** Of revision 1 and higher. */
  readonly amendment?: Proven;
  /** Key and bytes of every pack that this revision needs. */
  readonly packs: readonly (readonly [key: string, bytes: number])[];
}

export interface CopyFacts {
  readonly set: string;
  /** The later one of both stores' clocks: what is copied must not outlive the original by either. */
  readonly now: Date;
  readonly source: Listing;
  readonly destination: Listing;
  /** Keys of the set's manifests at the destination of which any version is there, the hidden ones too. */
  readonly manifestVersions: ReadonlySet<string>;
  /** Oldest first. */
  readonly snapshots: readonly SourceSnapshot[];
  /** The revision that the ledger names, by snapshot; 0 for those that it does not name. */
  readonly revisions: ReadonlyMap<string, number>;
  /** Keys of the ledger, each behind those that it cites. */
  readonly ledger: readonly string[];
}

/** An object of a set whose life is in its key. */
export interface KeptKey {
  readonly days: number;
  /** Without `keep-NNN/`: what stays the same when an object is put under other days. */
  readonly below: string;
  /** `snapshots`, `chains`, `suppression`, or what a later version adds. */
  readonly part: string;
}

/** A key below `keep-NNN/SET/` taken apart; undefined for any other key. */
export function parseKept(key: string, set: string): KeptKey | undefined {
  const [keep = '', owner, part = ''] = key.split('/');
  const days = daysOfPrefix(keep);
  return days === undefined || owner !== set ? undefined : { days, below: key.slice(keep.length + 1), part };
}
