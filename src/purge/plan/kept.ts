/**
 * On which legal basis rows stay, and until when. Pure.
 *
 * `until` of the map is a date, or a length that counts from the day of the plan: the map does not know from which
 * event a law counts (the end of a contract, of a year), and no row that is kept can be younger than the plan. So it
 * is the day by which somebody has to look again at the latest; nothing acts upon it.
 */
import type { AffectedRow } from '../../subjects/decided.ts';
import type { KeptRows, TableCounts } from './table-counts.ts';

/**
 * Counts the rows that stay on a legal basis.
 * @param from - from which lengths such as `7y` count: when the plan was made
 */
export function keptRows(rows: Iterable<AffectedRow>, from: Date): KeptRows[] {
  const found = new Map<string, { because: string; until: string | undefined; rows: number }>();
  for (const { outcome } of rows) {
    const { because } = outcome;
    if (outcome.do !== 'keep' || because === undefined) continue;
    const until = outcome.until === undefined ? undefined : lastDay(outcome.until, from);
    const key = JSON.stringify([because, until]);
    const known = found.get(key) ?? { because, until, rows: 0 };
    known.rows++;
    found.set(key, known);
  }
  return [...found.values()].map(({ until, ...kept }) => ({
    ...kept,
    ...(until !== undefined && { until }),
  }));
}

/**
 * The day that `until` of a map names: a date as it stands, a length from the day of `from` (UTC) on. A month that is
 * too short ends it: one month after January 31 is February 28.
 */
export function lastDay(until: string, from: Date): string {
  const length = /^(\d+)([dwmy])$/.exec(until);
  if (!length) return until;
  const count = Number(length[1]);
  const [year, month, day] = [from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate()];
  const isMonths = length[2] === 'm' || length[2] === 'y';
  if (!isMonths) return dayOf(Date.UTC(year, month, day + count * (length[2] === 'w' ? 7 : 1)));
  const months = month + count * (length[2] === 'y' ? 12 : 1);
  const daysOfMonth = new Date(Date.UTC(year, months + 1, 0)).getUTCDate();
  return dayOf(Date.UTC(year, months, Math.min(day, daysOfMonth)));
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

/** What stays of a table on one legal basis, over all snapshots. */
export interface KeptLine extends KeptRows {
  readonly table: string;
  /** In how many snapshots; `rows` is the most in one of them. */
  readonly snapshots: number;
}

/** Over all snapshots, by table and basis, in the order in which they come. */
export function keptLines(
  snapshots: readonly { readonly tables?: Readonly<Record<string, TableCounts>> | undefined }[],
): KeptLine[] {
  const lines = new Map<string, KeptLine>();
  for (const { tables = {} } of snapshots) {
    for (const [table, { kept = [] }] of Object.entries(tables)) {
      for (const one of kept) {
        const key = JSON.stringify([table, one.because, one.until]);
        const { rows = 0, snapshots: before = 0 } = lines.get(key) ?? {};
        lines.set(key, { table, ...one, rows: Math.max(rows, one.rows), snapshots: before + 1 });
      }
    }
  }
  return [...lines.values()];
}

/** The rows of theirs that go or change: the most in one snapshot. */
export function mostRows(
  snapshots: readonly { readonly tables: Readonly<Record<string, TableCounts>> }[],
): number {
  const sums = snapshots.map(({ tables }) =>
    Object.values(tables).reduce((sum, counts) => sum + counts.delete + counts.change, 0),
  );
  return Math.max(0, ...sums);
}
