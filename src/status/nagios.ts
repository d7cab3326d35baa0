/**
 * `status` as a plugin of Nagios, Icinga, Naemon or Checkmk says it: one line with what is worst, performance data
 * behind a bar, then a line for each finding, and an exit code of their own
 * (https://nagios-plugins.org/doc/guidelines.html).
 */
import type { Measure, StatusFinding } from './finding.ts';

/** Exit codes of plugins; not those of holdfast. */
export const NAGIOS_EXIT = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const;
export type NagiosState = keyof typeof NAGIOS_EXIT;

export interface NagiosResult {
  readonly state: NagiosState;
  readonly lines: readonly string[];
}

/** What is late is critical; what only used up its interval, and not yet what is forgiven, is a warning. */
export function nagiosOf(findings: readonly StatusFinding[]): NagiosResult {
  const judged = findings.map((finding) => ({ finding, state: stateOf(finding) }));
  const bad = judged.filter(({ state }) => state !== 'OK');
  const state = bad.some((one) => one.state === 'CRITICAL') ? 'CRITICAL' : bad.length > 0 ? 'WARNING' : 'OK';
  const head = bad.length === 0 ? `all ${findings.length} in order` : `${bad.length} of ${findings.length}: `;
  const which = bad.map(({ finding }) => `${finding.title}: ${finding.text}`).join('; ');
  const figures = findings.flatMap(({ measure }) => (measure ? [performanceData(measure)] : []));
  const first = plain(`HOLDFAST ${state} - ${head}${which}`);
  return {
    state,
    lines: [
      figures.length === 0 ? first : `${first} | ${figures.join(' ')}`,
      ...judged.map((one) => plain(`${one.state}: ${one.finding.title}: ${one.finding.text}`)),
    ],
  };
}

/** What could not be found out. */
export function nagiosUnknown(reason: string): NagiosResult {
  return { state: 'UNKNOWN', lines: [plain(`HOLDFAST UNKNOWN - ${reason}`)] };
}

function stateOf({ ok, measure }: StatusFinding): NagiosState {
  if (!ok) return 'CRITICAL';
  return measure && measure.seconds > measure.warning ? 'WARNING' : 'OK';
}

/** `'shop age'=3600s;86400;97200;0`: a label, a value with its unit, warning, critical, least. */
function performanceData({ name, seconds, warning, critical }: Measure): string {
  return `'${name}'=${Math.max(0, Math.round(seconds))}s;${Math.round(warning)};${Math.round(critical)};0`;
}

/** A bar would begin performance data, a line end would begin long text. */
function plain(text: string): string {
  return text.replace(/\|/g, '/').replace(/\s+/g, ' ');
}
