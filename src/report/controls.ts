/**
 * What requirements ask, and which promises speak of it. The wording is ours and short; the texts themselves are
 * Regulation (EU) 2016/679 (GDPR), ISO/IEC 27001:2022 Annex A, the AICPA Trust Services Criteria (2017) and Schedule 1 of
 * PIPEDA (S.C. 2000, c. 5). A met promise is evidence for a requirement, not compliance with it.
 */
import type { ControlEvidence, PromiseEvidence, PromiseId, Verdict } from './evidence.ts';

interface Control {
  readonly id: string;
  readonly framework: string;
  readonly clause: string;
  readonly title: string;
  readonly promises: readonly PromiseId[];
}

export const CONTROLS: readonly Control[] = [
  {
    id: 'gdpr-17',
    framework: 'GDPR',
    clause: 'Art. 17',
    title: 'erasure without undue delay, from backups, too',
    promises: ['erasure_within', 'two_person', 'ends'],
  },
  {
    id: 'gdpr-30',
    framework: 'GDPR',
    clause: 'Art. 30 (1) (e), (f), (g)',
    title: 'record of processing: places, time limits of erasure, security measures',
    promises: ['residency', 'ends', 'encrypted'],
  },
  {
    id: 'gdpr-32-a',
    framework: 'GDPR',
    clause: 'Art. 32 (1) (a), (b)',
    title: 'encryption; confidentiality, integrity and availability',
    promises: ['encrypted', 'intact', 'backup_every', 'copies'],
  },
  {
    id: 'gdpr-32-c',
    framework: 'GDPR',
    clause: 'Art. 32 (1) (c), (d)',
    title: 'access restored in a timely manner; regular testing of it',
    promises: ['keep', 'drill_every'],
  },
  {
    id: 'iso-8.10',
    framework: 'ISO/IEC 27001:2022',
    clause: 'A.8.10',
    title: 'information is deleted when it is no longer required',
    promises: ['ends', 'erasure_within'],
  },
  {
    id: 'iso-8.13',
    framework: 'ISO/IEC 27001:2022',
    clause: 'A.8.13',
    title: 'backups are kept, and regularly tested',
    promises: ['backup_every', 'keep', 'intact', 'drill_every'],
  },
  {
    id: 'soc2-a1.2',
    framework: 'SOC 2',
    clause: 'A1.2',
    title: 'data backup processes and recovery infrastructure',
    promises: ['backup_every', 'keep', 'copies', 'residency'],
  },
  {
    id: 'soc2-a1.3',
    framework: 'SOC 2',
    clause: 'A1.3',
    title: 'recovery is tested',
    promises: ['drill_every'],
  },
  {
    id: 'soc2-c1.2',
    framework: 'SOC 2',
    clause: 'C1.2',
    title: 'confidential information is disposed of',
    promises: ['ends', 'erasure_within', 'two_person'],
  },
  {
    id: 'pipeda-4.5',
    framework: 'PIPEDA',
    clause: 'Schedule 1, 4.5',
    title: 'retention is limited; what is no longer needed is destroyed',
    promises: ['ends', 'erasure_within'],
  },
  {
    id: 'pipeda-4.7',
    framework: 'PIPEDA',
    clause: 'Schedule 1, 4.7',
    title: 'safeguards against loss, theft and unauthorised access',
    promises: ['encrypted', 'intact', 'residency'],
  },
];

/** Judges each requirement by the promises that were made. */
export function controlsOf(promises: readonly PromiseEvidence[]): ControlEvidence[] {
  const verdicts = new Map(promises.map(({ id, verdict }) => [id, verdict]));
  return CONTROLS.map((control) => {
    const found = control.promises.flatMap((id) => verdicts.get(id) ?? []);
    const notPromised = control.promises.filter((id) => !verdicts.has(id));
    return { ...control, verdict: together(found, notPromised.length > 0), notPromised };
  });
}

/** Met only when all that speaks of it was promised, measured and met. */
function together(verdicts: readonly Verdict[], incomplete: boolean): ControlEvidence['verdict'] {
  if (verdicts.includes('broken')) return 'broken';
  if (!verdicts.includes('met')) return 'not measured';
  return incomplete || verdicts.includes('not measured') ? 'partly' : 'met';
}
