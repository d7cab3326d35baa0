/**
 * What a report is made from: what was read and checked, without any judgement. `gather.ts` reads the part that lies in
 * a store; keys and the posture of places come from whoever knows the configuration.
 */
import type { KeepPolicy } from '../repository/keep.ts';
import type { DrillRecord } from '../repository/drills.ts';
import type { DrillStatus } from '../status/drills.ts';
import type { PurgeRequest } from '../purge/evidence/requests.ts';

/** What was promised to people. */
export interface Promised {
  readonly residency: readonly string[];
  readonly erasureWithinDays?: number;
  readonly drillEveryDays?: number;
  readonly backupEveryHours?: number;
  readonly twoPerson?: boolean;
}

/** A set as the configuration has it. */
export interface SetPolicy {
  readonly name: string;
  readonly source: string;
  readonly keep: KeepPolicy;
  readonly fullEveryDays: number;
}

/** A snapshot that has not ended, by its entry and by what a listing of the store shows. */
export interface SnapshotFact {
  readonly snapshot: string;
  readonly writer: string;
  /** When its run started, by the store's clock. */
  readonly time: Date;
  /** Readable at least until then. */
  readonly end: Date;
  /** Until when it can be read at most; undefined where nothing but `expire` removes it. */
  readonly goneBy: Date | undefined;
  readonly keepDays: number;
  readonly full: boolean;
  /** When the run before it started, which may have ended since; undefined for the first of its writer. */
  readonly before: Date | undefined;
  /** Of the dump. */
  readonly plainBytes: number;
  /** That its run added to the store. */
  readonly newBytes: number;
  readonly durationMs: number;
  readonly revision: number;
  /** Fingerprints to which its manifest is sealed. */
  readonly recipients: readonly string[];
  /** What is not there, or not as it should be; empty: everything that it names was listed with its size. */
  readonly missing: readonly string[];
}

/** What really lies in the store for one set: objects with a life, all versions of them. */
export interface ObjectsFact {
  readonly count: number;
  readonly bytes: number;
  readonly oldest:
    | { readonly key: string; readonly modified: Date; readonly days: number; readonly bytes: number }
    | undefined;
  /** The longest life that a name of them gives, in days; 0 for none. */
  readonly longestDays: number;
  /** There although rules, or somebody, should have removed them long ago. */
  readonly overdue: { readonly count: number; readonly bytes: number; readonly example: string | undefined };
}

/** An erasure, and who else wanted it. */
export interface PurgeFact extends PurgeRequest {
  /** Fingerprint of a second operator whose approval was checked; undefined: nobody else has approved it. */
  readonly approvedBy: string | undefined;
  /** Snapshots that it wrote anew, looked through, or removed. */
  readonly amended: number;
  readonly clear: number;
  readonly removed: number;
  /** SHA-256 of the signed receipt; undefined while it is open. */
  readonly receipt: string | undefined;
}

/** How a copy of a set compares with the store. */
export interface CopyFact {
  readonly name: string;
  readonly url: string;
  /** When the newest snapshot of it was made; undefined when there is none, or it could not be looked at. */
  readonly newest: Date | undefined;
  /** Snapshots of the store that it should have and has not. */
  readonly behind: number;
  /** Why it could not be looked at. */
  readonly unknown: string | undefined;
}

export interface SetFacts {
  readonly policy: SetPolicy;
  /** Oldest first. */
  readonly snapshots: readonly SnapshotFact[];
  /** Signatures, chains, a ledger that was cut back: what is wrong with the record itself. */
  readonly problems: readonly string[];
  /** False: the ledger could not be read, so that of purges and drills nothing is known. */
  readonly ledgerHolds: boolean;
  /** What was begun until then may be gone: all of the set was erased. */
  readonly erasedUntil: Date | undefined;
  readonly purges: readonly PurgeFact[];
  /** In the order in which they ended. */
  readonly drills: readonly DrillRecord[];
  /** Against what was promised; says nothing where the ledger does not hold. */
  readonly drillStatus: DrillStatus;
  /** Undefined: the store could not be listed. */
  readonly objects: ObjectsFact | undefined;
  readonly copies: readonly CopyFact[];
}

/** One finding about a place where backups lie, as `doctor` has it. */
export interface CheckFact {
  readonly what: string;
  readonly verdict: 'ok' | 'warning' | 'wrong' | 'unknown';
  readonly found: string;
  readonly hint?: string;
}

/** The store, or a place that holds copies. */
export interface PlaceFacts {
  /** `store`, or `copy paris`. */
  readonly name: string;
  readonly url: string;
  /** The region; undefined where it does not tell, or was not asked. */
  readonly location: string | undefined;
  /** Whether it is where it was promised to be; undefined when that is not known. */
  readonly residentAsPromised: boolean | undefined;
  readonly checks: readonly CheckFact[];
}

export interface KeyFact {
  readonly role: string;
  readonly fingerprint: string;
  readonly userId: string;
  readonly algorithm: string;
  /** RFC 3339; undefined: never. */
  readonly expires: string | undefined;
  /** Why it must not be used. */
  readonly refusal: string | undefined;
  readonly warning: string | undefined;
}

/** What a listing of the whole store shows beside the sets that were asked for. */
export interface SweepFacts {
  /** Undefined: everything was listed. */
  readonly unknown: string | undefined;
  /** Old versions may be there for a while after an object was removed. */
  readonly versioned: boolean;
  /** They could not be listed: who may not ask for them sees the newest ones only. */
  readonly versionsUnseen: boolean;
  /** Objects of sets that the configuration does not name. */
  readonly others: readonly OtherObjects[];
  /** Of exports that were sealed into the store; undefined: none is there, or nothing could be listed. */
  readonly sealed: OtherObjects | undefined;
}

export interface OtherObjects {
  readonly set: string;
  readonly count: number;
  readonly bytes: number;
  /** Past their life. */
  readonly overdue: number;
}

/** An export that was sealed. What it was, nobody but its recipients knows. */
export interface ExportFact {
  readonly id: string;
  readonly ref: string | undefined;
  /** RFC 3339. */
  readonly time: string;
  /** Undefined: it was begun, and nothing says that it was finished. */
  readonly to: 'file' | 'pipe' | 'store' | undefined;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
  /** In the store: until when it is there at least. */
  readonly end: string | undefined;
  readonly recipients: readonly string[];
  readonly signer: string;
}

export interface ExportsFact {
  /** Why their ledger cannot be believed. */
  readonly problem: string | undefined;
  /** Oldest first. */
  readonly exports: readonly ExportFact[];
}

export interface ReportFacts {
  /** The store's clock. */
  readonly now: Date;
  /** How many days back the calendar goes. */
  readonly days: number;
  readonly tool: string;
  readonly store: { readonly url: string; readonly id: string };
  readonly promised: Promised;
  readonly sets: readonly SetFacts[];
  /** Sets of the configuration that nobody asked about. */
  readonly otherSets: readonly string[];
  readonly places: readonly PlaceFacts[];
  readonly keys: readonly KeyFact[];
  readonly sweep: SweepFacts;
  readonly exports: ExportsFact;
}
