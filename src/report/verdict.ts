/** Verdicts put together: the worst one counts, and nothing at all is no pass. Pure. */
import type { Finding, PromiseEvidence, PromiseId, Verdict } from './evidence.ts';

const ORDER: readonly Verdict[] = ['broken', 'not measured', 'met'];

/** The worst of them; of none: not measured. */
export function worst(verdicts: readonly Verdict[]): Verdict {
  return ORDER.find((one) => verdicts.includes(one)) ?? 'not measured';
}

/** A promise with its findings, the broken ones first; its verdict is the worst of theirs. */
export function promiseOf(
  id: PromiseId,
  promise: string,
  evidence: string,
  findings: readonly Finding[],
): PromiseEvidence {
  const sorted = findings.toSorted((a, b) => ORDER.indexOf(a.verdict) - ORDER.indexOf(b.verdict));
  return { id, promise, verdict: worst(sorted.map(({ verdict }) => verdict)), evidence, findings: sorted };
}

export function finding(verdict: Verdict, about: string | undefined, text: string): Finding {
  return { verdict, about, text };
}

/** `1 snapshot`, `7 snapshots`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${String(count).replace(/\B(?=(\d{3})+$)/g, ',')} ${count === 1 ? one : many}`;
}

/** `26 hours`, `3 days`: whole hours below two days. */
export function lengthOf(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours < 1) return plural(Math.round(ms / 60_000), 'minute');
  return hours < 48 ? plural(Math.round(hours), 'hour') : plural(Math.floor(hours / 24), 'day');
}
