/** Facts of an invented company: five sets over ninety days, with everything that a report can show. The same each time. */
import type {
  KeyFact,
  ObjectsFact,
  PlaceFacts,
  PurgeFact,
  ReportFacts,
  SetFacts,
  SnapshotFact,
} from '../../src/report/facts.ts';
import type { CatalogEntry } from '../../src/repository/catalog.ts';
import { drillStatusOf } from '../../src/status/drills.ts';

export const DAY_MS = 86_400_000;
export const NOW = new Date('2026-11-22T06:00:00.000Z');
export const OPS = 'a'.repeat(40);
export const ESCROW = 'b'.repeat(40);

/** So many days before now. */
export function ago(days: number): Date {
  return new Date(NOW.getTime() - days * DAY_MS);
}

export interface SnapshotChoices {
  /** Days before now; the run starts at three in the morning. */
  readonly day: number;
  readonly full?: boolean;
  readonly plainBytes?: number;
  readonly newBytes?: number;
  readonly keepDays?: number;
  readonly missing?: readonly string[];
  readonly recipients?: readonly string[];
}

export function snapshotFact(choices: SnapshotChoices): SnapshotFact {
  const { day, full = false, plainBytes = 700e6, newBytes = 3e6, keepDays = 30, missing = [] } = choices;
  const time = new Date(ago(day).getTime() - 3 * 3_600_000);
  return {
    snapshot: `${time.toISOString().slice(0, 19).replace(/[-:]/g, '')}Z-${String(day).padStart(8, '0')}`,
    writer: 'db1',
    time,
    end: new Date(time.getTime() + keepDays * DAY_MS),
    goneBy: new Date(time.getTime() + (keepDays + 2) * DAY_MS),
    keepDays,
    full,
    before: new Date(time.getTime() - DAY_MS),
    plainBytes,
    newBytes,
    durationMs: full ? 41_000 : 9_400,
    revision: 0,
    recipients: choices.recipients ?? [OPS, ESCROW],
    missing,
  };
}

/** One a day for so many days, a full one each week; the database grows. */
export function dailies(days: number, except: readonly number[] = [], scale = 1): SnapshotFact[] {
  return Array.from({ length: days }, (_, at) => days - 1 - at)
    .filter((day) => !except.includes(day))
    .map((day) => {
      const full = day % 7 === 3;
      const plainBytes = Math.round(scale * (640e6 + (days - day) * 2.1e6));
      const wave = 1 + 0.55 * Math.sin(day / 1.7) + 0.3 * Math.cos(day / 5);
      const newBytes = Math.round(full ? plainBytes / 6 : scale * 3.4e6 * wave);
      const gap = Array.from({ length: days }, (_, more) => more).findIndex(
        (more) => !except.includes(day + 1 + more),
      );
      const fact = snapshotFact({ day, full, plainBytes, newBytes, keepDays: days });
      return { ...fact, before: new Date(fact.time.getTime() - (1 + gap) * DAY_MS) };
    });
}

export function objectsFact(days: number, bytes: number, overdue = 0): ObjectsFact {
  const key = 'keep-039/shop/chains/db1-3/packs/00112233445566aa';
  return {
    count: days * 9,
    bytes,
    oldest: { key, modified: ago(days + 5), days: days + 9, bytes: 9e6 },
    longestDays: days + 9,
    overdue: { count: overdue, bytes: overdue * 8e6, example: overdue === 0 ? undefined : key },
  };
}

export function drill(
  day: number,
  rtoMs: number,
  outcome: 'verified' | 'failed' = 'verified',
): SetFacts['drills'][number] {
  const time = new Date(ago(day).getTime() + 3_600_000 * 2).toISOString();
  const [snapshot] = dailies(1).map((one) => one.snapshot);
  return {
    type: 'drill',
    note: true,
    id: `drill-${day}`,
    snapshot: snapshot ?? '',
    manifest: 'c'.repeat(64),
    picked: 'newest',
    outcome,
    reasons: outcome === 'failed' ? ['ROWS_DIFFER'] : [],
    started: time,
    stages: { find: 300, open: 40, prepare: 2100, load: rtoMs - 340, check: 1500 },
    rto_ms: rtoMs,
    rpo_ms: 5 * 3_600_000,
    server: 'PostgreSQL 15.20',
    own_server: true,
    tables: 14,
    rows: 6_012_331,
    bytes: 719e6,
    checks: { passed: 3, failed: outcome === 'failed' ? 1 : 0, unknown: 0 },
    line: {
      ...{
        format: 1,
        kind: 'ledger',
        store: '',
        set: 'shop',
        writer: 'ops',
        seq: day + 1,
        prev: null,
        time,
        heads: {},
      },
      event: { type: 'drill' },
      signer: OPS,
    },
  };
}

export function purge(since: number, done: number | undefined, choices: Partial<PurgeFact> = {}): PurgeFact {
  const due = new Date(ago(since).getTime() + 30 * DAY_MS);
  return {
    id: `p${since}`,
    ref: `TICKET-${400 - since}`,
    subject: 'quiet-otter',
    whole: false,
    since: ago(since).toISOString(),
    state: done === undefined ? 'open' : 'done',
    doneAt: done === undefined ? undefined : ago(done).toISOString(),
    unreached: [],
    pending: [],
    due: due.toISOString(),
    overdue: done === undefined && due < NOW,
    approvedBy: ESCROW,
    amended: 28,
    clear: 2,
    removed: 0,
    receipt: done === undefined ? undefined : 'd'.repeat(64),
    ...choices,
  };
}

export function setFacts(name: string, choices: Partial<SetFacts> = {}): SetFacts {
  const snapshots = choices.snapshots ?? dailies(90);
  const drills = choices.drills ?? [drill(3, 14_200)];
  return {
    policy: { name, source: 'postgres', keep: [{ name: 'daily', days: 90 }], fullEveryDays: 7 },
    snapshots,
    problems: [],
    ledgerHolds: true,
    erasedUntil: undefined,
    purges: [],
    drills,
    drillStatus: drillStatusOf(entriesOf(snapshots), drills, 30, NOW),
    objects: objectsFact(90, 11.7e9),
    copies: [],
    ...choices,
  };
}

/** As much of entries as drills are compared with: the oldest one is not the first. */
function entriesOf(snapshots: readonly SnapshotFact[]): readonly CatalogEntry[] {
  return snapshots.map(({ time, end }) => ({
    entry: { seq: 9, time: time.toISOString(), end: end.toISOString() },
  })) as unknown as CatalogEntry[];
}

export function key(userId: string, fingerprint: string, choices: Partial<KeyFact> = {}): KeyFact {
  const facts = {
    role: 'recipient',
    userId,
    fingerprint,
    algorithm: 'Ed25519',
    expires: '2028-05-01T00:00:00.000Z',
  };
  return { ...facts, refusal: undefined, warning: undefined, ...choices };
}

const STORE: PlaceFacts = {
  name: 'store',
  url: 's3://acme-backups/prod',
  location: 'ca-central-1',
  residentAsPromised: true,
  checks: [
    { what: 'store residency', verdict: 'ok', found: 'in ca-central-1, as promised' },
    {
      what: 'store expiry',
      verdict: 'ok',
      found: 'the rules are right; made now, shop: 90 days, gone by 2027-02-23',
    },
    { what: 'store writing', verdict: 'ok', found: 'old versions are kept' },
    {
      what: 'store rights',
      verdict: 'warning',
      found: 'this host can read back manifests and packs, which it never needs',
      hint: 'Give its user no more than this prints: holdfast store policy --role host',
    },
  ],
};

/** A company where most is well and something is not. */
export function company(choices: Partial<ReportFacts> = {}): ReportFacts {
  const trend = [88, 74, 60, 45, 31, 17, 3].map((day, at) => drill(day, 15_400 - at * 300 + (at % 2) * 900));
  return {
    now: NOW,
    days: 90,
    tool: 'holdfast 0.1.0',
    store: { url: STORE.url, id: '8f7c6a52-03de-4a53-9a53-4a3c6a8c2b11' },
    promised: {
      residency: ['ca-central-1'],
      erasureWithinDays: 30,
      drillEveryDays: 30,
      backupEveryHours: 24,
      twoPerson: true,
    },
    sets: [
      setFacts('shop', {
        drills: [...trend.slice(0, 4), drill(40, 12_000, 'failed'), ...trend.slice(4)],
        purges: [purge(70, 64), purge(44, 41), purge(20, 18), purge(4, undefined, { pending: ['db2'] })],
        copies: [
          { name: 'montreal', url: 's3://acme-copies/prod', newest: ago(0.2), behind: 0, unknown: undefined },
        ],
      }),
      setFacts('billing', { snapshots: dailies(90, [34, 35], 0.2), objects: objectsFact(90, 2.4e9) }),
      setFacts('wiki', {
        policy: { name: 'wiki', source: 'sqlite', keep: [{ name: 'daily', days: 30 }], fullEveryDays: 7 },
        snapshots: dailies(30, [], 0.03),
        objects: objectsFact(30, 310e6),
      }),
      setFacts('sessions', {
        policy: { name: 'sessions', source: 'redis', keep: [{ name: 'daily', days: 30 }], fullEveryDays: 7 },
        snapshots: dailies(30, [], 0.11),
        objects: objectsFact(30, 1.1e9, 4),
      }),
    ],
    otherSets: [],
    places: [STORE],
    keys: [
      key('ops', OPS),
      key('escrow', ESCROW, {
        expires: '2027-01-04T00:00:00.000Z',
        warning: 'expires in 43 days, on 2027-01-04',
      }),
      key('db1', 'e'.repeat(40), { role: 'host, certified by a recipient', expires: undefined }),
    ],
    sweep: {
      unknown: undefined,
      versioned: true,
      versionsUnseen: false,
      others: [{ set: 'crm-old', count: 212, bytes: 1.9e9, overdue: 0 }],
      sealed: { set: 'sealed', count: 2, bytes: 9e6, overdue: 0 },
    },
    exports: {
      problem: undefined,
      exports: [
        {
          ...{
            id: '20261110T101500Z-0a0b0c0d',
            ref: 'AUDIT-3',
            time: ago(12).toISOString(),
            to: 'store',
            bytes: 9e6,
          },
          ...{ sha256: '9'.repeat(64), end: ago(-18).toISOString(), recipients: [OPS, ESCROW], signer: OPS },
        },
      ],
    },
    ...choices,
  };
}
