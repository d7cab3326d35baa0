/** What `status` says of one thing that somebody was promised; the same for people, for `--json` and for Nagios. */

/** A figure with the values from which on it is a warning and critical; of Nagios' performance data. */
export interface Measure {
  /** Without quotes, blanks and equal signs. */
  readonly name: string;
  readonly seconds: number;
  readonly warning: number;
  readonly critical: number;
}

export interface StatusFinding {
  readonly ok: boolean;
  /** What a line for people begins with: the set, or `shop, copy offsite`. */
  readonly title: string;
  /** A clause without a full stop. */
  readonly text: string;
  /** What it is called in the list of what is late, where the title is not enough: `shop, purge 7f3a`. */
  readonly name?: string;
  /** Of `--json`. */
  readonly record: { readonly type: string; readonly [key: string]: unknown };
  readonly measure?: Measure;
  /** What is signed does not hold: more than late. */
  readonly unsound?: true;
}

/** What is late, by name. */
export function lateOf(findings: readonly StatusFinding[]): string[] {
  return findings.filter(({ ok }) => !ok).map(({ name, title }) => name ?? title);
}
