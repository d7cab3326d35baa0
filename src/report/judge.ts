/** From facts to evidence: every promise with its verdict, every set with its history. Pure. */
import { DAY_MS } from '../repository/rules.ts';
import { controlsOf } from './controls.ts';
import { dayOf, daysOf } from './days.ts';
import { PROMISES } from './evidence.ts';
import type {
  DrillEvidence,
  Evidence,
  ExportEvidence,
  KeyEvidence,
  PlaceEvidence,
  PromiseEvidence,
  PurgeEvidence,
  SetEvidence,
  SnapshotEvidence,
} from './evidence.ts';
import type {
  ExportFact,
  KeyFact,
  PlaceFacts,
  PurgeFact,
  ReportFacts,
  SetFacts,
  SnapshotFact,
} from './facts.ts';
import {
  judgeBackupEvery,
  judgeCopies,
  judgeDrills,
  judgeIntact,
  judgeKeep,
  missedIn,
} from './judge-backups.ts';
import { judgeEncrypted, judgeEnds, judgeErasure, judgeResidency, judgeTwoPerson } from './judge-data.ts';
import { retentionOf } from './retention.ts';
import { worst } from './verdict.ts';

/** Judges everything that was gathered. */
export function judge(facts: ReportFacts): Evidence {
  const promises = judgePromises(facts);
  const made = new Set(promises.map(({ id }) => id));
  const sets = facts.sets.map((set) => setEvidence(facts, set, promises));
  const { now, days, sweep } = facts;
  return {
    format: 1,
    kind: 'evidence',
    generated: now.toISOString(),
    tool: facts.tool,
    store: { url: facts.store.url, id: facts.store.id },
    period: { from: dayOf(new Date(now.getTime() - (days - 1) * DAY_MS)), to: dayOf(now), days },
    summary: {
      ...summaryOf(promises, sets),
      exports: facts.exports.problem === undefined ? facts.exports.exports.length : null,
    },
    promises,
    notPromised: PROMISES.filter((id) => !made.has(id)),
    controls: controlsOf(promises),
    sets,
    places: facts.places.map(placeEvidence),
    keys: facts.keys.map(keyEvidence),
    others: sweep.others.map(({ count, ...one }) => ({ ...one, objects: count })),
    exports: facts.exports.exports.map(exportEvidence),
    limits: [...onlySome(facts), ...LIMITS],
  };
}

/** A page about one good set is no page about all of them. */
function onlySome({ sets, otherSets }: ReportFacts): string[] {
  if (otherSets.length === 0) return [];
  const about = sets.map(({ policy }) => policy.name).join(', ');
  return [`It is about ${about} only. The configuration has more sets: ${otherSets.join(', ')}.`];
}

const LIMITS: readonly string[] = [
  'It shows what lies in the store and what its signed records say; it opens no backup. That backups open and restore is shown by drills and by `holdfast verify --read-data`.',
  'History goes back as far as entries live: of a snapshot that has ended, only the one after it tells.',
  'The store’s own clock dates everything; who owns the store could turn it.',
  'Copies of the state folder of a host, dumps made by other programs, and what was restored elsewhere are out of its sight.',
  'A met promise is evidence for a requirement of a law or a standard. It is not a judgement of compliance.',
];

function judgePromises(facts: ReportFacts): PromiseEvidence[] {
  return [
    judgeBackupEvery(facts),
    judgeKeep(facts),
    judgeEnds(facts),
    judgeIntact(facts),
    judgeEncrypted(facts),
    judgeResidency(facts),
    judgeCopies(facts),
    judgeErasure(facts),
    judgeTwoPerson(facts),
    judgeDrills(facts),
  ].filter((one) => one !== undefined);
}

function summaryOf(
  promises: readonly PromiseEvidence[],
  sets: readonly SetEvidence[],
): Omit<Evidence['summary'], 'exports'> {
  const count = (verdict: PromiseEvidence['verdict']) =>
    promises.filter((one) => one.verdict === verdict).length;
  const sum = (of: (set: SetEvidence) => number) => sets.reduce((total, set) => total + of(set), 0);
  const listed = sets.every(({ retention }) => retention !== null);
  const told = sets.every(({ ledgerHolds }) => ledgerHolds);
  return {
    met: count('met'),
    broken: count('broken'),
    notMeasured: count('not measured'),
    sets: sets.length,
    snapshots: sum(({ snapshots }) => snapshots.length),
    storedBytes: listed ? sum(({ retention }) => retention?.bytes ?? 0) : null,
    purges: told ? sum(({ purges }) => purges.length) : null,
    drills: told ? sum(({ drills }) => drills.length) : null,
  };
}

function setEvidence(facts: ReportFacts, set: SetFacts, promises: readonly PromiseEvidence[]): SetEvidence {
  const { now, days, sweep } = facts;
  const { policy, snapshots } = set;
  const { name } = policy;
  const newest = snapshots.at(-1)?.time;
  const own = promises
    .flatMap(({ findings }) => findings)
    .filter(({ about = '' }) => about === name || about.startsWith(`${name}, `));
  return {
    name,
    source: policy.source,
    fullEveryDays: policy.fullEveryDays,
    verdict: worst(own.map(({ verdict }) => verdict)),
    newest: newest?.toISOString() ?? null,
    oldest: snapshots[0]?.time.toISOString() ?? null,
    ageMs: newest ? now.getTime() - newest.getTime() : null,
    days: daysOf(set, missedIn(facts, set), now, days),
    snapshots: snapshots.map(snapshotEvidence),
    retention: retentionOf(set, sweep.versioned, now),
    ledgerHolds: set.ledgerHolds,
    drills: set.drills.map(drillEvidence),
    purges: set.purges.map(purgeEvidence),
    copies: set.copies.map((copy) => ({
      name: copy.name,
      newest: copy.newest?.toISOString() ?? null,
      behind: copy.behind,
      unknown: copy.unknown ?? null,
    })),
  };
}

function snapshotEvidence({ time, end, goneBy, missing, ...one }: SnapshotFact): SnapshotEvidence {
  const { snapshot, writer, full, plainBytes, newBytes, durationMs, revision } = one;
  return {
    ...{ snapshot, writer, time: time.toISOString(), end: end.toISOString() },
    goneBy: goneBy?.toISOString() ?? null,
    ...{ full, plainBytes, newBytes, durationMs, revision },
    whole: missing.length === 0,
  };
}

function drillEvidence({ line, checks, ...drill }: SetFacts['drills'][number]): DrillEvidence {
  return {
    ...{ id: drill.id, snapshot: drill.snapshot, time: line.time },
    ...{ outcome: drill.outcome, reasons: drill.reasons, picked: drill.picked },
    rtoMs: drill.rto_ms ?? null,
    rpoMs: drill.rpo_ms,
    stages: drill.stages,
    server: drill.server ?? null,
    tables: drill.tables ?? null,
    rows: drill.rows ?? null,
    checks: checks ? { passed: checks.passed, failed: checks.failed, unknown: checks.unknown } : null,
    signer: line.signer,
  };
}

function purgeEvidence(purge: PurgeFact): PurgeEvidence {
  const { id, ref, subject, whole, since, doneAt, due, state, overdue } = purge;
  return {
    ...{ id, ref: ref ?? null, subject, whole, since, doneAt: doneAt ?? null, due: due ?? null, state },
    late: overdue || (due !== undefined && doneAt !== undefined && doneAt > due),
    ...{ rewritten: purge.amended, clean: purge.clear, removed: purge.removed },
    unreached: purge.unreached.length,
    pending: purge.pending,
    approvedBy: purge.approvedBy ?? null,
    receipt: purge.receipt ?? null,
  };
}

function exportEvidence({ ref, to, bytes, sha256, end, ...one }: ExportFact): ExportEvidence {
  const { id, time, recipients, signer } = one;
  const about = { ref: ref ?? null, to: to ?? null, bytes: bytes ?? null, sha256: sha256 ?? null };
  return { id, time, recipients, signer, ...about, end: end ?? null };
}

function keyEvidence({
  role,
  fingerprint,
  userId,
  algorithm,
  expires,
  refusal,
  warning,
}: KeyFact): KeyEvidence {
  return {
    ...{ role, fingerprint, userId, algorithm, expires: expires ?? null },
    verdict: refusal === undefined ? 'met' : 'broken',
    found: refusal ?? warning ?? 'fit',
  };
}

function placeEvidence({ name, url, location, checks }: PlaceFacts): PlaceEvidence {
  return {
    ...{ name, url, location: location ?? null },
    checks: checks.map(({ what, verdict, found, hint }) => ({ what, verdict, found, hint: hint ?? null })),
  };
}
