/**
 * The evidence itself: what `--json` prints and the page shows. Plain values only: times are RFC 3339 in UTC, sizes
 * bytes, lengths milliseconds or days. It names no person, no table and no row.
 */

/** `not measured`: nothing shows it, or nothing happened that it could be seen by. Never a silent pass. */
export type Verdict = 'met' | 'broken' | 'not measured';

export interface Finding {
  readonly verdict: Verdict;
  /** The set, place or key that it is about; undefined: all of them. */
  readonly about: string | undefined;
  /** A sentence without a full stop. */
  readonly text: string;
}

export const PROMISES = [
  'backup_every',
  'keep',
  'ends',
  'intact',
  'encrypted',
  'residency',
  'copies',
  'erasure_within',
  'two_person',
  'drill_every',
] as const;
export type PromiseId = (typeof PROMISES)[number];

export interface PromiseEvidence {
  readonly id: PromiseId;
  /** What was said to people, such as `a backup every 24 hours`. */
  readonly promise: string;
  /** The worst of its findings. */
  readonly verdict: Verdict;
  /** What shows it, in one sentence. */
  readonly evidence: string;
  /** The broken ones first. */
  readonly findings: readonly Finding[];
}

/** What a requirement asks and which promises speak of it. */
export interface ControlEvidence {
  readonly id: string;
  readonly framework: string;
  readonly clause: string;
  readonly title: string;
  readonly promises: readonly PromiseId[];
  /** `partly`: some of it is met, and the rest not measured. */
  readonly verdict: Verdict | 'partly';
  /** Promises of these that this configuration does not make. */
  readonly notPromised: readonly PromiseId[];
}

/** `taken`: a snapshot of that day is there. `ended`: there was one, which has ended. `missed`: one was promised. */
export type DayState = 'taken' | 'ended' | 'missed' | 'none';

export interface DayEvidence {
  /** UTC. */
  readonly day: string;
  readonly state: DayState;
  readonly snapshots: number;
  readonly newBytes: number;
}

export interface SnapshotEvidence {
  readonly snapshot: string;
  readonly writer: string;
  readonly time: string;
  readonly end: string;
  readonly goneBy: string | null;
  readonly full: boolean;
  readonly plainBytes: number;
  readonly newBytes: number;
  readonly durationMs: number;
  readonly revision: number;
  /** Everything that it names was listed, with its size. */
  readonly whole: boolean;
}

export interface RetentionEvidence {
  /** Lives by the calendar, days. */
  readonly keep: readonly { readonly name: string; readonly days: number }[];
  /** The longest that any object of the set may lie there, with what midnights and old versions add; days. */
  readonly limitDays: number;
  readonly objects: number;
  readonly bytes: number;
  readonly oldest: { readonly key: string; readonly modified: string; readonly ageDays: number } | null;
  readonly overdue: number;
}

export interface DrillEvidence {
  readonly id: string;
  readonly snapshot: string;
  readonly time: string;
  readonly outcome: 'verified' | 'failed' | 'not-run';
  readonly reasons: readonly string[];
  readonly picked: string;
  readonly rtoMs: number | null;
  readonly rpoMs: number;
  readonly stages: Readonly<Record<string, number>>;
  readonly server: string | null;
  readonly tables: number | null;
  readonly rows: number | null;
  readonly checks: { readonly passed: number; readonly failed: number; readonly unknown: number } | null;
  /** Fingerprint of who says so. */
  readonly signer: string;
}

export interface PurgeEvidence {
  readonly id: string;
  readonly ref: string | null;
  /** A made-up name. */
  readonly subject: string;
  readonly whole: boolean;
  readonly since: string;
  readonly doneAt: string | null;
  readonly due: string | null;
  readonly state: 'done' | 'open' | 'reopened';
  readonly late: boolean;
  readonly rewritten: number;
  readonly clean: number;
  readonly removed: number;
  readonly unreached: number;
  /** Hosts that do not show yet that they know of it. */
  readonly pending: readonly string[];
  readonly approvedBy: string | null;
  /** SHA-256 of the signed receipt. */
  readonly receipt: string | null;
}

export interface SetEvidence {
  readonly name: string;
  readonly source: string;
  readonly fullEveryDays: number;
  /** The worst of what all promises say of it. */
  readonly verdict: Verdict;
  readonly newest: string | null;
  readonly oldest: string | null;
  readonly ageMs: number | null;
  readonly days: readonly DayEvidence[];
  /** Oldest first. */
  readonly snapshots: readonly SnapshotEvidence[];
  readonly retention: RetentionEvidence | null;
  /** False: nothing can be said of drills and erasures. */
  readonly ledgerHolds: boolean;
  readonly drills: readonly DrillEvidence[];
  readonly purges: readonly PurgeEvidence[];
  readonly copies: readonly {
    readonly name: string;
    readonly newest: string | null;
    readonly behind: number;
    readonly unknown: string | null;
  }[];
}

export interface ExportEvidence {
  readonly id: string;
  readonly ref: string | null;
  readonly time: string;
  /** Null: nothing says that it was finished. */
  readonly to: 'file' | 'pipe' | 'store' | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
  /** In the store: until when it is there at least. */
  readonly end: string | null;
  readonly recipients: readonly string[];
  /** Fingerprint of who says so. */
  readonly signer: string;
}

export interface KeyEvidence {
  readonly role: string;
  readonly fingerprint: string;
  readonly userId: string;
  readonly algorithm: string;
  readonly expires: string | null;
  readonly verdict: Verdict;
  readonly found: string;
}

export interface PlaceEvidence {
  readonly name: string;
  readonly url: string;
  readonly location: string | null;
  readonly checks: readonly {
    readonly what: string;
    readonly verdict: 'ok' | 'warning' | 'wrong' | 'unknown';
    readonly found: string;
    readonly hint: string | null;
  }[];
}

export interface Evidence {
  readonly format: 1;
  readonly kind: 'evidence';
  /** By the store's clock. */
  readonly generated: string;
  readonly tool: string;
  readonly store: { readonly url: string; readonly id: string };
  readonly period: { readonly from: string; readonly to: string; readonly days: number };
  readonly summary: {
    readonly met: number;
    readonly broken: number;
    readonly notMeasured: number;
    readonly sets: number;
    readonly snapshots: number;
    /** Of what lies in the store for these sets; null when it could not be listed. */
    readonly storedBytes: number | null;
    /** Null when a ledger that tells of them cannot be believed; so for the two below. */
    readonly purges: number | null;
    readonly drills: number | null;
    readonly exports: number | null;
  };
  readonly promises: readonly PromiseEvidence[];
  /** What the configuration does not promise. */
  readonly notPromised: readonly PromiseId[];
  readonly controls: readonly ControlEvidence[];
  readonly sets: readonly SetEvidence[];
  readonly places: readonly PlaceEvidence[];
  readonly keys: readonly KeyEvidence[];
  /** What lies in the store of sets that the configuration does not name. */
  readonly others: readonly {
    readonly set: string;
    readonly objects: number;
    readonly bytes: number;
    readonly overdue: number;
  }[];
  /** What was sealed beside backups. */
  readonly exports: readonly ExportEvidence[];
  /** What this report does not show. */
  readonly limits: readonly string[];
}
