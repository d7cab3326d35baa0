/** The promises about data: sealed, in one country, gone in time, and nobody comes back. Pure. */
import type { Finding, PromiseEvidence } from './evidence.ts';
import type { KeyFact, PlaceFacts, ReportFacts } from './facts.ts';
import { retentionAgeDays } from './retention.ts';
import { dayOf } from './days.ts';
import { finding, plural, promiseOf } from './verdict.ts';

/** What is past its life is gone: by what really lies there. */
export function judgeEnds(facts: ReportFacts): PromiseEvidence {
  const findings = facts.sets.map(({ policy, objects }) => {
    const { name } = policy;
    if (!objects)
      return finding('not measured', name, facts.sweep.unknown ?? 'the store could not be listed');
    const { overdue, oldest } = objects;
    if (overdue.count > 0)
      return finding(
        'broken',
        name,
        `${plural(overdue.count, 'object')} should be gone, such as ${overdue.example ?? ''}`,
      );
    if (!oldest) return finding('not measured', name, 'nothing lies there');
    const age = plural(Math.floor(retentionAgeDays(oldest.modified, facts.now)), 'day');
    const hidden = facts.sweep.versionsUnseen ? '; old versions could not be listed' : '';
    const text = `nothing is past its life; the oldest byte has lain there for ${age}, its life is ${plural(oldest.days, 'day')}${hidden}`;
    return finding(facts.sweep.versionsUnseen ? 'not measured' : 'met', name, text);
  });
  findings.push(...endsElsewhere(facts));
  return promiseOf(
    'ends',
    'what is past its time is gone',
    'every object in the store was listed with its age, and compared with the life that its name gives it',
    findings,
  );
}

/** What lies in the store beside the sets: exports, and sets that nobody names any more. */
function endsElsewhere({ sweep }: ReportFacts): Finding[] {
  return [...(sweep.sealed ? [sweep.sealed] : []), ...sweep.others].map((one) => {
    const about = one === sweep.sealed ? 'sealed exports' : `${one.set} (not in this configuration)`;
    if (one.overdue > 0) return finding('broken', about, `${plural(one.overdue, 'object')} should be gone`);
    return finding('met', about, `nothing of ${plural(one.count, 'object')} is past its life`);
  });
}

/** Sealed to keys that are named, and can still be used. */
export function judgeEncrypted(facts: ReportFacts): PromiseEvidence {
  const recipients = facts.keys.filter(({ role }) => role === 'recipient');
  const named = new Map(facts.keys.map((key) => [key.fingerprint, key]));
  const findings = [
    ...recipients.map(judgeKey),
    ...facts.sets.flatMap(({ policy: { name }, snapshots }): Finding[] => {
      if (snapshots.length === 0) return [finding('not measured', name, 'there is no snapshot')];
      const strange = snapshots.filter((one) => one.recipients.some((print) => !named.has(print)));
      const [first] = strange;
      if (first) {
        const whose = first.recipients.filter((print) => !named.has(print)).join(', ');
        const text = `${plural(strange.length, 'snapshot')} can be opened by a key that the configuration does not name: ${whose}`;
        return [finding('broken', name, text)];
      }
      const former = snapshots.filter((one) =>
        one.recipients.some((print) => named.get(print)?.role !== 'recipient'),
      ).length;
      const rest = former === 0 ? '' : `; ${former} of them also to a former one`;
      return [
        finding('met', name, `${plural(snapshots.length, 'snapshot')} sealed to the named recipients${rest}`),
      ];
    }),
  ];
  if (facts.exports.problem !== undefined)
    findings.push(finding('broken', 'sealed exports', facts.exports.problem));
  if (facts.exports.exports.length > 0)
    findings.push(
      finding('met', 'sealed exports', `${plural(facts.exports.exports.length, 'export')} in the ledger`),
    );
  return promiseOf(
    'encrypted',
    'what leaves the server is encrypted to keys that are named',
    'each signed entry names the keys to which its snapshot is sealed (OpenPGP, AES-256); the keys were judged now',
    findings,
  );
}

function judgeKey({ userId, fingerprint, refusal, warning, expires }: KeyFact): Finding {
  const about = userId === '' ? fingerprint : userId;
  if (refusal !== undefined) return finding('broken', about, refusal);
  const end = expires === undefined ? 'does not expire' : `valid until ${dayOf(new Date(expires))}`;
  return finding('met', about, warning ?? end);
}

/** Undefined: no region was promised. */
export function judgeResidency({ promised, places }: ReportFacts): PromiseEvidence | undefined {
  if (promised.residency.length === 0) return undefined;
  const findings = places.map(({ name, url, location, residentAsPromised, checks }: PlaceFacts) => {
    const about = `${name} ${url}`;
    const why = checks.find(({ verdict }) => verdict !== 'ok')?.found;
    if (residentAsPromised === undefined)
      return finding('not measured', about, why ?? 'where it is was not told');
    return finding(
      residentAsPromised ? 'met' : 'broken',
      about,
      location === undefined ? (why ?? '') : `in ${location}`,
    );
  });
  return promiseOf(
    'residency',
    `data stays in ${promised.residency.join(', ')}`,
    'each bucket was asked for its region; a place elsewhere is refused before the first byte',
    findings,
  );
}

/** Undefined: no time was promised. */
export function judgeErasure({ promised, sets, now }: ReportFacts): PromiseEvidence | undefined {
  const { erasureWithinDays } = promised;
  if (erasureWithinDays === undefined) return undefined;
  const findings = sets.flatMap(({ policy: { name }, purges, ledgerHolds }): Finding[] => {
    if (!ledgerHolds) return [finding('not measured', name, 'the ledger cannot be read')];
    if (purges.length === 0) return [finding('not measured', name, 'nobody had to be erased yet')];
    return purges.map(({ id, overdue, due, doneAt, state }) => {
      const about = `${name}, ${id}`;
      if (overdue)
        return finding(
          'broken',
          about,
          `was due ${due === undefined ? '' : dayOf(new Date(due))} and is ${state}`,
        );
      const late = due !== undefined && doneAt !== undefined && doneAt > due;
      if (late)
        return finding('broken', about, `done ${dayOf(new Date(doneAt))}, due ${dayOf(new Date(due))}`);
      if (state === 'done') return finding('met', about, `done ${dayOf(new Date(doneAt ?? now))}, in time`);
      return finding('met', about, `${state}, due ${due === undefined ? '' : dayOf(new Date(due))}`);
    });
  });
  return promiseOf(
    'erasure_within',
    `a person is gone from all backups within ${plural(erasureWithinDays, 'day')}`,
    'lines of the ledger, signed by operators; the receipts they name can be checked with purge verify',
    // Sets in which nobody was to be erased do not hide that it was done in others.
    withoutIdle(findings),
  );
}

/** Undefined: it was not promised. */
export function judgeTwoPerson({ promised, sets }: ReportFacts): PromiseEvidence | undefined {
  if (promised.twoPerson !== true) return undefined;
  const findings = sets.flatMap(({ policy: { name }, purges, ledgerHolds }): Finding[] => {
    if (!ledgerHolds) return [finding('not measured', name, 'the ledger cannot be read')];
    if (purges.length === 0) return [finding('not measured', name, 'nobody had to be erased yet')];
    return purges.map(({ id, approvedBy }) =>
      approvedBy === undefined
        ? finding('broken', `${name}, ${id}`, 'nobody else has approved it')
        : finding('met', `${name}, ${id}`, `approved by ${approvedBy}`),
    );
  });
  return promiseOf(
    'two_person',
    'nobody is erased on one person’s word',
    'signed approvals in the ledger, of another key than that of the plan',
    withoutIdle(findings),
  );
}

function withoutIdle(findings: readonly Finding[]): Finding[] {
  const busy = findings.filter(({ text }) => text !== 'nobody had to be erased yet');
  return busy.length > 0 ? busy : [...findings.slice(0, 1)].map((one) => ({ ...one, about: undefined }));
}
