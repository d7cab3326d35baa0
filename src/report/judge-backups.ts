/** The promises about backups themselves: that they are made, are whole, can be restored, and lie in two places. Pure. */
import type { DrillRecord } from '../repository/drills.ts';
import { DAY_MS } from '../repository/rules.ts';
import { DEFAULT_BACKUP_EVERY_MS, GRACE } from '../status/status.ts';
import { dayOf, gapsIn, timesTaken } from './days.ts';
import type { Gap } from './days.ts';
import type { PromiseEvidence } from './evidence.ts';
import type { ReportFacts, SetFacts } from './facts.ts';
import { finding, lengthOf, plural, promiseOf } from './verdict.ts';

const HOUR_MS = 3_600_000;

/** How long there may be no new snapshot, with what cron and a long run may add. */
function limitMsOf({ promised }: Pick<ReportFacts, 'promised'>): number {
  return everyMsOf(promised.backupEveryHours) * (1 + GRACE);
}

function everyMsOf(hours: number | undefined): number {
  return hours === undefined ? DEFAULT_BACKUP_EVERY_MS : hours * HOUR_MS;
}

/** Gaps of a set that are longer than promised, as far back as can be said: until then no snapshot had to end. */
export function missedIn(facts: Pick<ReportFacts, 'promised' | 'now' | 'days'>, set: SetFacts): Gap[] {
  const days = Math.min(facts.days, set.policy.keep[0].days);
  return gapsIn(timesTaken(set), limitMsOf(facts), new Date(facts.now.getTime() - days * DAY_MS), facts.now);
}

export function judgeBackupEvery(facts: ReportFacts): PromiseEvidence {
  const every = everyMsOf(facts.promised.backupEveryHours);
  const findings = facts.sets.map((set) => {
    const { name } = set.policy;
    const newest = set.snapshots.at(-1)?.time;
    if (!newest) return finding('broken', name, 'there is no snapshot');
    const age = `the newest snapshot is ${lengthOf(facts.now.getTime() - newest.getTime())} old`;
    const [first, ...more] = missedIn(facts, set).toReversed();
    if (!first) return finding('met', name, age);
    const rest = more.length === 0 ? '' : `, and ${plural(more.length, 'more such gap')}`;
    const length = lengthOf(first.to.getTime() - first.from.getTime());
    const gap =
      first.to >= facts.now ? `none for ${length}` : `${length} without one after ${dayOf(first.from)}`;
    return finding('broken', name, `${gap}${rest}; ${age}`);
  });
  const count = facts.sets.reduce((sum, { snapshots }) => sum + snapshots.length, 0);
  return promiseOf(
    'backup_every',
    `a backup every ${lengthOf(every)}`,
    `signed entries of ${plural(count, 'snapshot')} and of those they follow; ${lengthOf(every * GRACE)} of grace`,
    findings,
  );
}

/** What has not ended is there, with everything that it needs. */
export function judgeKeep(facts: ReportFacts): PromiseEvidence {
  const findings = facts.sets.map(({ policy, snapshots, objects, drillStatus }) => {
    const broken = snapshots.filter(({ missing }) => missing.length > 0);
    const [first] = broken;
    const lives = policy.keep.map(({ name, days }) =>
      policy.keep.length === 1 ? `${days} days` : `${name} ${days} days`,
    );
    if (first) {
      const what = `${first.snapshot}: ${first.missing[0] ?? ''}`;
      return finding('broken', policy.name, `${plural(broken.length, 'snapshot')} not whole; ${what}`);
    }
    // Promised or not: that a listing shows all of it is no answer to a restore that was tried.
    if (drillStatus.failure) return finding('broken', policy.name, failedDrill(drillStatus.failure));
    if (snapshots.length === 0)
      return finding('not measured', policy.name, `kept ${lives.join(', ')}; there is no snapshot`);
    if (!objects)
      return finding('not measured', policy.name, `kept ${lives.join(', ')}; the store could not be listed`);
    return finding(
      'met',
      policy.name,
      `kept ${lives.join(', ')}; ${plural(snapshots.length, 'snapshot')}, all whole`,
    );
  });
  return promiseOf(
    'keep',
    'every backup can be restored until its end',
    'a listing shows the manifest and every pack that each snapshot names; that they open is shown by drills and by verify --read-data',
    findings,
  );
}

/** Nobody changed the record or took something out of it. */
export function judgeIntact(facts: ReportFacts): PromiseEvidence {
  const findings = facts.sets.map(({ policy: { name }, problems, snapshots }) => {
    const [first] = problems;
    if (first !== undefined) {
      const rest = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
      return finding('broken', name, `${first}${rest}`);
    }
    if (snapshots.length === 0) return finding('not measured', name, 'there is no snapshot');
    return finding(
      'met',
      name,
      `${plural(snapshots.length, 'signature')} good, no hole in the chain, the ledger is whole`,
    );
  });
  return promiseOf(
    'intact',
    'nobody can change or remove a backup unseen',
    'signatures of entries and ledger, and the hashes that chain them, were checked now',
    findings,
  );
}

/** Undefined: no set has copies. */
export function judgeCopies(facts: ReportFacts): PromiseEvidence | undefined {
  const findings = facts.sets.flatMap((set) =>
    set.copies.map(({ name, behind, newest, unknown }) => {
      const about = `${set.policy.name}, copy ${name}`;
      if (unknown !== undefined) return finding('not measured', about, unknown);
      if (!newest) return finding('broken', about, 'nothing was copied yet');
      const old = facts.now.getTime() - newest.getTime() > limitMsOf(facts);
      const lag = behind === 0 ? 'level with the store' : `${plural(behind, 'snapshot')} behind`;
      return finding(old ? 'broken' : 'met', about, `${lag}, the newest one is of ${dayOf(newest)}`);
    }),
  );
  if (findings.length === 0) return undefined;
  return promiseOf(
    'copies',
    'a copy of every backup lies in a second place',
    'the entries of each copy were read and verified, and compared with the store',
    findings,
  );
}

/** Undefined: drills were not promised. */
export function judgeDrills(facts: ReportFacts): PromiseEvidence | undefined {
  const { drillEveryDays } = facts.promised;
  if (drillEveryDays === undefined) return undefined;
  const findings = facts.sets.map(({ policy: { name }, drills, drillStatus, ledgerHolds }) => {
    if (!ledgerHolds) return finding('not measured', name, 'the ledger cannot be read');
    const { failure, overdue, due } = drillStatus;
    if (failure) return finding('broken', name, failedDrill(failure));
    const last = drills.findLast(({ outcome }) => outcome === 'verified');
    const wasDue = due === undefined ? '' : `due ${dayOf(new Date(due))}`;
    if (!last)
      return finding(overdue ? 'broken' : 'not measured', name, `no restore has been tried yet; ${wasDue}`);
    const took = last.rto_ms === undefined ? '' : ` in ${seconds(last.rto_ms)}`;
    const shown = `restored on ${dayOf(new Date(last.line.time))}${took}`;
    if (overdue) return finding('broken', name, `${shown}; another one was ${wasDue}`);
    return finding('met', name, `${shown}, and found as it should be; the next one is ${wasDue}`);
  });
  return promiseOf(
    'drill_every',
    `a restore is proved every ${plural(drillEveryDays, 'day')}`,
    'lines of the ledger, each signed by the operator who ran the drill',
    findings,
  );
}

function failedDrill({ line, reasons }: DrillRecord): string {
  const when = dayOf(new Date(line.time));
  return `the drill of ${when} failed, and none since shows the contrary: ${reasons.join(', ')}`;
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : lengthOf(ms);
}
