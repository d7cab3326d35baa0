/** What applying a purge takes, and what it gives. */
import type { MessageOpener } from '../../openpgp/message.ts';
import type { openpgp } from '../../openpgp/library.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Session } from '../../repository/session.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { Store } from '../../stores/store.ts';
import type { PurgeLocks } from '../rewrite/amend.ts';
import type { Located } from '../locate/located.ts';
import type { SignedReceipt } from '../evidence/receipt.ts';
import type { PurgePlan } from '../plan/request.ts';
import type { UnitSet } from '../locate/unit-set.ts';
import type { SharedPages } from '../locate/shared-reader.ts';

/** A further place with what the store has. */
export interface PurgeCopy {
  readonly name: string;
  readonly store: Store;
}

export interface ApplyOptions {
  readonly session: Session<Store>;
  readonly set: string;
  readonly plan: PurgePlan;
  /** Opens the manifests as they are. */
  readonly opener: MessageOpener;
  /** To whom the new manifests are sealed. */
  readonly recipients: readonly openpgp.PublicKey[];
  readonly purgeSigners: readonly openpgp.PublicKey[];
  /** A recipient or a purge signer. */
  readonly signer: openpgp.PrivateKey;
  readonly pool: SegmentPool;
  /** zstd level. */
  readonly level: number;
  /** The locks of what is put now, by the store's clock. */
  readonly locksAt: (now: Date) => PurgeLocks;
  readonly bypassGovernance: boolean;
  /** No backup is under way: manifests without an entry go, however young they are. */
  readonly removeDeadRuns: boolean;
  /** Packs with erased segments are replaced, and removed as soon as no host can refer to them. */
  readonly rewritePacks?: boolean;
  /** Somebody else than the planner must have approved the plan. */
  readonly twoPerson?: boolean;
  /** The statement of a second person, when it is given. */
  readonly approval?: string | undefined;
  /** Key pages that `locate` reads, and that are written anew from there. */
  readonly pages?: SharedPages;
  /**
   * Finds the subjects of the plan in these snapshots.
   * @param quiet - units that need not be opened, since nobody is in them
   */
  readonly locate: (items: readonly CatalogEntry[], signal: AbortSignal, quiet?: UnitSet) => Promise<Located>;
  /**
   * Puts what keeps them from coming back.
   * @returns what the intent carries as `suppression`
   */
  readonly putSuppression: (located: Located, signal: AbortSignal) => Promise<object | undefined>;
  readonly copies: readonly PurgeCopy[];
  /** Brings the copies level; what it could not do, as sentences. */
  readonly levelCopies: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Keeps the receipt, and the page for people, before the ledger names it. */
  readonly writeReceipt: (receipt: Buffer, page: string) => Promise<void>;
  /** True when what would be written over is this receipt, by its hash; where nobody can say, another one is written. */
  readonly holdsReceipt?: (sha256: string) => Promise<boolean>;
  readonly onStep: (text: string) => void;
  readonly onProgress: (snapshot: string, bytes: number) => void;
}

export interface PurgeReport {
  readonly set: string;
  readonly id: string;
  readonly complete: boolean;
  /** Why it stays open; empty when it is complete. */
  readonly left: readonly string[];
  /** What copies could not be told at the very end. */
  readonly notes: readonly string[];
  /** Versions that a lock keeps. */
  readonly stuck: number;
  /** Snapshots that this run has written anew. */
  readonly rewritten: number;
  readonly manifestsRemoved: number;
  /** Sealed bytes of segments and pages that were opened to write anew. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** When it is complete; undefined also where that of a run before stays. */
  readonly receipt: SignedReceipt | undefined;
  /** Of the receipt that counts, when it is complete. */
  readonly receiptSha256: string | undefined;
}
