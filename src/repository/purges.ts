/**
 * What the ledger of a set says about purges: which were announced, which are done, and whether a snapshot is free of
 * whom they were about.
 */
import type { Trust } from '../openpgp/trust.ts';
import type { LedgerHeads } from './entry.ts';
import { byTime } from './ledger.ts';
import type { Ledger } from './ledger.ts';
import { knownEvents, mustBeOperator } from './ledger-events.ts';
import type { PurgeIntent } from './ledger-events.ts';
import { own } from './records.ts';

export type RetiredPlace = readonly [writer: string, chain: number, pack: string, offset: number];

export interface PurgeRecord {
  readonly id: string;
  /** Its first line: what it is about. */
  readonly intent: PurgeIntent;
  /** All snapshots of the set, and nobody in particular; said by any of its lines. */
  readonly isWhole: boolean;
  /** What keeps its subjects from coming back: as the first line says that names any. */
  readonly suppression: PurgeIntent['suppression'];
  /** All snapshots that any of its lines has announced. */
  readonly announced: ReadonlySet<string>;
  /** Of a whole set: chains that its lines name, all of which go. */
  readonly chains: ReadonlySet<string>;
  /** When it was announced, by the store's clock. */
  readonly since: string;
  /** Snapshots in which the subject is no longer: the revisions of which its lines say so, the last line's last. */
  readonly free: ReadonlyMap<string, readonly number[]>;
  /** Those of them that it has written anew. */
  readonly amended: ReadonlySet<string>;
  /** Segments that it retires: writer, chain, pack, offset. */
  readonly retired: readonly RetiredPlace[];
  /** Snapshots whose manifests it removed. */
  readonly removed: ReadonlySet<string>;
  /** Places of the ledger that hold its intents, the first one first: who has seen that one knows of the purge. */
  readonly lines: readonly { readonly writer: string; readonly seq: number }[];
  /** Of the receipt; undefined while it is open. */
  readonly receipt: string | undefined;
  /** Of all receipts that its lines have named, the newest one last. */
  readonly receipts: readonly string[];
  /** Packs with erased segments are to go; said by any of its lines. */
  readonly rewritePacks: boolean;
  /** Who else wanted it, as a signed statement: that of the first line which has one. */
  readonly approval: string | undefined;
  readonly doneAt: string | undefined;
}

/**
 * All purges of a set, in the order of their first lines.
 * @throws HoldfastError SIGNER_NOT_TRUSTED when a host purges, MALFORMED
 */
export function purgesOf(ledger: Ledger, operators: Trust): PurgeRecord[] {
  const events = knownEvents(ledger).toSorted((a, b) => byTime(a.line, b.line));
  const found = new Map<string, Gathered>();
  for (const event of events) {
    if (event.type !== 'purge-intent') continue;
    mustBeOperator(event.line, operators);
    const known = found.get(event.id) ?? begin(event, event.line.time);
    for (const snapshot of event.snapshots) known.announced.add(snapshot);
    for (const chain of event.chains ?? []) known.chains.add(chain);
    known.rewritePacks ||= event.rewrite_packs === true;
    known.isWhole ||= event.whole === true;
    known.suppression ??= event.suppression;
    known.approval ??= event.approval;
    known.lines.push({ writer: event.line.writer, seq: event.line.seq });
    known.retired.push(...(event.line.event.retired ?? []));
    found.set(event.id, known);
  }
  for (const event of events) {
    const known = found.get(event.id);
    if (!known) continue;
    mustBeOperator(event.line, operators);
    if (event.type === 'purge-done') {
      known.receipt = event.receipt;
      known.receipts.push(event.receipt);
      known.doneAt = event.line.time;
    }
    if (event.type !== 'amended') continue;
    for (const [snapshot] of event.amended) known.amended.add(snapshot);
    for (const [snapshot, revision] of [...event.amended, ...(event.clear ?? [])])
      known.free.set(snapshot, [...(known.free.get(snapshot) ?? []), revision]);
    for (const [snapshot, revision] of event.left ?? []) takeBack(known, snapshot, revision);
    for (const snapshot of event.removed ?? []) known.removed.add(snapshot);
  }
  return [...found.values()];
}

/** What an earlier line has said of a revision holds no longer; what a later one says of it does. */
function takeBack({ free }: Gathered, snapshot: string, revision: number): void {
  const others = (free.get(snapshot) ?? []).filter((one) => one !== revision);
  if (others.length > 0) free.set(snapshot, others);
  else free.delete(snapshot);
}

/** What counts of a snapshot. */
export interface SnapshotState {
  readonly snapshot: string;
  readonly revision: number;
  readonly ledgerSeen: LedgerHeads;
}

/**
 * The purges that have not removed their subjects from this revision of a snapshot: those must be left out of what is
 * read from it. A snapshot that was made after a purge is among them: whether the subject was still in the database then,
 * nobody knows before it is looked at. All of a set that was erased as a whole is pending but what knew of that.
 */
export function pendingFor(
  purges: readonly PurgeRecord[],
  { snapshot, revision, ledgerSeen }: SnapshotState,
): PurgeRecord[] {
  return purges.filter((purge) => {
    if (purge.isWhole) return !knowsOf(ledgerSeen, purge);
    return !purge.free.get(snapshot)?.some((since) => since <= revision);
  });
}

/** Whether who saw this much of the ledger knew of the purge. */
export function knowsOf(seen: LedgerHeads, { lines: [first] }: Pick<PurgeRecord, 'lines'>): boolean {
  return first !== undefined && (own(seen, first.writer)?.seq ?? 0) >= first.seq;
}

type Gathered = {
  -readonly [K in keyof PurgeRecord]: PurgeRecord[K];
} & {
  readonly announced: Set<string>;
  readonly chains: Set<string>;
  readonly free: Map<string, readonly number[]>;
  readonly amended: Set<string>;
  readonly retired: RetiredPlace[];
  readonly receipts: string[];
  readonly removed: Set<string>;
  readonly lines: { writer: string; seq: number }[];
};

function begin(intent: PurgeIntent, since: string): Gathered {
  return {
    id: intent.id,
    intent,
    since,
    announced: new Set(),
    chains: new Set(),
    isWhole: false,
    suppression: undefined,
    free: new Map(),
    amended: new Set(),
    retired: [],
    removed: new Set(),
    lines: [],
    receipt: undefined,
    receipts: [],
    rewritePacks: false,
    approval: undefined,
    doneAt: undefined,
  };
}

/**
 * The time of the last purge of the whole set: what was begun before it is rightly gone, and no chain of before goes on.
 * It is asked of every host, so whose line it is does not matter: it only costs a full backup.
 */
export function erasedUntil({ lines }: Pick<Ledger, 'lines'>): Date | undefined {
  const times = lines
    .filter(({ event }) => event.type === 'purge-intent' && event['whole'] === true)
    .map(({ time }) => new Date(time).getTime());
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}
