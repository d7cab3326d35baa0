/** What a backup takes. */
import type { openpgp } from '../openpgp/library.ts';
import type { KeepPolicy } from '../repository/keep.ts';
import type { Session } from '../repository/session.ts';
import type { Source, SourceInfo } from '../sources/source.ts';
import type { Store } from '../stores/store.ts';
import type { ParsedMap } from '../subjects/parse.ts';
import type { OnPurged } from '../suppression/guard.ts';
import type { Hooks } from './hooks.ts';
import type { LockPolicy } from './locks.ts';

export interface BackupPolicy {
  readonly keep: KeepPolicy;
  readonly fullEveryDays: number;
  /** Needs a bucket with Object Lock. */
  readonly lock?: LockPolicy;
}

export interface BackupOptions {
  readonly session: Session<Store>;
  readonly source: Source;
  readonly set: string;
  readonly writer: string;
  readonly policy: BackupPolicy;
  readonly recipients: readonly openpgp.PublicKey[];
  readonly signer: openpgp.PrivateKey;
  /** zstd level. */
  readonly level: number;
  /** Start a new chain. */
  readonly full: boolean;
  /** Goes sealed into the snapshot, so that a purge can find people in it; held against each dump's schema. */
  readonly subjects?: ParsedMap;
  /** Run around the whole of it, while the set is locked. */
  readonly hooks?: Hooks;
  /** When somebody who was erased is in the database; `warn` unless it is said. */
  readonly onPurged?: OnPurged;
  readonly onStart: (info: SourceInfo) => void;
  readonly onProgress: (bytes: number, stream: string) => void;
  readonly onWarning: (text: string) => void;
}
