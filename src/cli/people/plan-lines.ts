/** A plan of a purge in lines for people: what happens to whose rows, what stays and why, and what lies where. Pure. */
import type { PlanReport } from '../../purge/plan/plan.ts';
import type { Estimate, PlannedObjects, PlannedPlace } from '../../purge/plan/planned-place.ts';
import { keptLines } from '../../purge/plan/kept.ts';
import type { TableCounts } from '../../purge/plan/table-counts.ts';
import { formatBytes, formatCount, formatPlural, printable } from '../terminal/format.ts';
import type { NamedPaths } from './listed-files.ts';

/** `public.orders 2 deleted, 1 kept; …`, or that they are not in it. */
export function tablesLine(tables: Readonly<Record<string, TableCounts>>): string {
  const parts = Object.entries(tables).map(([table, counts]) => {
    const said = [
      [counts.delete, 'deleted'],
      [counts.change, 'changed'],
      [counts.keep, 'kept'],
    ] as const;
    const some = said.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
    return `${printable(table)} ${some.join(', ')}`;
  });
  return parts.length === 0 ? 'not in it' : parts.join('; ');
}

/** What stays on a legal basis, by table. */
export function keptText({ plan }: Pick<PlanReport, 'plan'>): string[] {
  return keptLines(plan.snapshots).map(
    ({ table, because, until, rows, snapshots }) =>
      `${printable(table)}: ${formatPlural(rows, 'row')} kept because of ${printable(because)}, ` +
      `${until === undefined ? 'with no date' : `until ${until}`} (in ${formatPlural(snapshots, 'snapshot')})`,
  );
}

/** What goes, and what stays, in the store or a copy. */
export function placeLine(place: PlannedPlace, isWhole: boolean): string {
  const { name, trouble, manifests, packs } = place;
  if (trouble !== undefined) return `${name}: nobody knows what lies there: ${printable(trouble)}`;
  const parts: string[] = [];
  if (manifests)
    parts.push(
      `${objects(manifests, isWhole ? 'object of snapshots' : 'manifest')} to remove${locks(manifests)}`,
    );
  if (packs && isWhole) parts.push(`${objects(packs, 'object of chains')} to remove${locks(packs)}`);
  else if (packs && packs.objects > 0) {
    const until = packs.unreadableUntil === undefined ? '' : ` until ${packs.unreadableUntil} at the latest`;
    const stay = packs.objects === 1 ? 'stays' : 'stay';
    parts.push(`${objects(packs, 'pack')} with erased rows, which ${stay} unreadable${until}${locks(packs)}`);
  }
  return `${name}: ${parts.join('; ')}`;
}

function objects({ objects: count, versions, bytes }: PlannedObjects, one: string): string {
  const many = one.replace(/^\w+/, '$&s');
  const old = versions > count ? ` in ${formatPlural(versions, 'version')}` : '';
  return `${formatPlural(count, one, many)}${old} (${formatBytes(bytes)})`;
}

function locks({ locked, lockedUntil, modes = [] }: PlannedObjects): string {
  if (locked === undefined) return ', nobody may ask here whether they are locked';
  if (locked === 0) return '';
  return `, ${locked} of them locked${lockedUntil === undefined ? '' : ` until ${lockedUntil}`} (${modes.join(', ')})`;
}

/** `about 1.2 MB to read and 300 kB to write, 0.4 % of the 350 MB that are stored, for 42 rows`. */
export function estimateLine({ read, written, stored, rows }: Estimate): string {
  const share = stored === 0 ? 0 : ((read + written) / stored) * 100;
  return (
    `about ${formatBytes(read)} to read and ${formatBytes(written)} to write, ` +
    `${share.toFixed(share < 10 ? 1 : 0)} % of the ${formatBytes(stored)} that are stored, for ${formatPlural(rows, 'row')} of theirs`
  );
}

/** Numbers of lines that a warning shows. */
const LINES_MAX = 10;

/**
 * What makes it likely that somebody was named wrongly: the receipt would say that they are gone.
 * @param root - the root table of the map
 * @param given - the paths that a person gave; the warning names their lines, since a path may say whose it is
 */
export function doubtsOf(
  { plan, names, strangers, isNobody }: PlanReport,
  root: string,
  given?: NamedPaths,
): readonly string[] {
  const all = formatPlural(plan.snapshots.length, 'snapshot');
  const doubts: string[] = [];
  if (isNobody)
    doubts.push(
      `nobody like that in ${all}: look at what you typed, since the receipt will say that they are gone`,
    );
  else if (strangers > 0)
    doubts.push(
      `${strangers === 1 ? 'one of those you ask for has' : `${formatCount(strangers)} of those you ask for have`} no row of ${root} in ${all}: look at what you typed`,
    );
  const lines = (names?.missing ?? []).flatMap((path) => given?.get(path) ?? []).sort((a, b) => a - b);
  if (lines.length > 0) {
    const more = lines.length > LINES_MAX ? ` and ${formatCount(lines.length - LINES_MAX)} more` : '';
    doubts.push(
      `paths that are in no snapshot: line ${lines.slice(0, LINES_MAX).join(', ')}${more} of what you gave; they count from the folder that is backed up`,
    );
  } else if (names && names.given > 0 && names.missing.length === names.given)
    doubts.push(
      'no path that the database lists is in any snapshot: look at strip and prefix in the subject map',
    );
  return doubts;
}
