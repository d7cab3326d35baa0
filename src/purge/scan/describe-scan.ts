/** A scan in words. */
import type { Mention, ScanReport } from './scan-report.ts';

/** One line for people. */
export function describeScan({ values, columns, tooShort, segments, mentions }: ScanReport): string {
  const short = tooShort.length === 0 ? '' : `; too short to be looked for: ${tooShort.join(', ')}`;
  if (values === 0) return `nothing of them is long enough to be looked for${short}`;
  const rows = mentions.reduce((sum, one) => sum + one.rows, 0);
  const found =
    mentions.length === 0
      ? 'no mention in what stays'
      : `${rows} ${rows === 1 ? 'row that stays mentions' : 'rows that stay mention'} them`;
  return `${values} ${values === 1 ? 'value' : 'values'} of ${columns.join(', ')} looked for in ${segments} segments: ${found}${short}`;
}

/** One line for people. */
export function describeMention({ table, column, rows, own, snapshots }: Mention): string {
  const where = column === undefined ? table : `${table}, column ${column}`;
  const theirs = own === 0 ? '' : `, ${own} of them their own, which the map keeps`;
  return `${where}: ${rows} ${rows === 1 ? 'row' : 'rows'} in ${snapshots} ${snapshots === 1 ? 'snapshot' : 'snapshots'}${theirs}`;
}
