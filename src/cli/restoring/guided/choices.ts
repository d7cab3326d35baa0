/** What a person is offered, and the command that would have said it all: decisions without a terminal. */
import type { CatalogEntry } from '../../../repository/catalog.ts';
import type { DrillRecord } from '../../../repository/drills.ts';
import { shellWord } from '../../../shell-word.ts';
import { formatAge, formatBytes, formatTime } from '../../terminal/format.ts';

export interface Choice {
  readonly value: string;
  readonly name: string;
}

/** What is known of a set without any key. */
export interface SetFacts {
  readonly name: string;
  readonly source: string;
  /** Restorable ones, the oldest first. */
  readonly entries: readonly CatalogEntry[];
  /** In the order in which they ended. */
  readonly drills: readonly DrillRecord[];
}

/** Older ones are named by hand: nobody reads a longer list at night. */
const SNAPSHOTS_SHOWN = 14;

/** A line for each set that has something to restore. */
export function setChoices(sets: readonly SetFacts[], now: Date): readonly Choice[] {
  return sets.flatMap(({ name, source, entries, drills }) => {
    const newest = entries.at(-1);
    if (newest === undefined) return [];
    const parts = [
      source,
      `newest ${formatAge(new Date(newest.entry.time), now)}`,
      formatBytes(newest.entry.counts.plain_bytes),
      drillText(drills.at(-1), now),
    ];
    return [{ value: name, name: `${name}  (${parts.join(', ')})` }];
  });
}

/** The newest first; a verified drill of a snapshot is said beside it. */
export function snapshotChoices({ entries, drills }: SetFacts, now: Date): readonly Choice[] {
  return entries
    .slice(-SNAPSHOTS_SHOWN)
    .toReversed()
    .map(({ entry }) => {
      const drill = drills.findLast(({ snapshot }) => snapshot === entry.snapshot);
      const time = new Date(entry.time);
      const proven = drill === undefined ? '' : `, ${drillText(drill, now)}`;
      return {
        value: entry.snapshot,
        name: `${formatTime(time)}  ${formatAge(time, now)}, ${formatBytes(entry.counts.plain_bytes)}${proven}`,
      };
    });
}

function drillText(drill: DrillRecord | undefined, now: Date): string {
  if (drill === undefined) return 'never drilled';
  const word =
    drill.outcome === 'verified'
      ? 'drill verified'
      : drill.outcome === 'failed'
        ? 'DRILL FAILED'
        : 'drill could not run';
  return `${word} ${formatAge(new Date(drill.line.time), now)}`;
}

/**
 * Bytes of a dump that one second of loading takes, by the last drill that was verified.
 * @returns undefined when none says it
 */
export function measuredSpeed({ drills }: Pick<SetFacts, 'drills'>): number | undefined {
  const last = drills.findLast(
    ({ outcome, bytes, stages }) => outcome === 'verified' && bytes && stages.load,
  );
  if (last?.bytes === undefined || last.stages.load === undefined) return undefined;
  return (last.bytes / last.stages.load) * 1000;
}

/** What was chosen, as options. */
export interface Chosen {
  readonly set: string;
  readonly snapshot: string;
  readonly to: string;
  readonly key?: string;
  readonly gpg?: boolean;
  readonly copy?: string;
  readonly config?: string;
  readonly globals?: boolean;
  readonly owner: boolean;
  readonly swap?: string;
  readonly endSessions?: boolean;
  readonly table?: readonly string[];
  readonly path?: readonly string[];
  readonly match?: readonly string[];
  readonly acceptRollback?: boolean;
  readonly withoutSuppression?: readonly string[];
  readonly withoutLedger?: string;
}

/** The command that does the same without a question, for a shell. */
export function commandLine(chosen: Chosen): string {
  const { set, snapshot, to, key, gpg, config } = chosen;
  const words = [
    'holdfast',
    ...(config === undefined ? [] : ['--config', config]),
    'restore',
    `${set}@${snapshot}`,
    '--to',
    withoutPassword(to),
    ...each('--table', chosen.table),
    ...each('--path', chosen.path),
    ...each('--match', chosen.match),
    ...given('--globals', chosen.globals),
    ...given('--no-owner', !chosen.owner),
    ...each('--copy', chosen.copy),
    ...each('--swap', chosen.swap),
    ...given('--end-sessions', chosen.endSessions),
    ...given('--accept-rollback', chosen.acceptRollback),
    ...each('--without-suppression', chosen.withoutSuppression),
    ...each('--without-ledger', chosen.withoutLedger),
    ...(gpg === true ? ['--gpg'] : key === undefined ? [] : ['--key', key]),
  ];
  return words.map(shellWord).join(' ');
}

function given(option: string, isSo: boolean | undefined): string[] {
  return isSo === true ? [option] : [];
}

function each(option: string, values: string | readonly string[] | undefined): string[] {
  return [values ?? []].flat().flatMap((value) => [option, value]);
}

/** A command that is printed ends up in histories. */
function withoutPassword(to: string): string {
  // A password may have an @ in it, as people type it.
  return to.replace(/^([a-z]+:\/\/[^/@:]*):(?:[^/]*|[^@]*)@/, '$1@');
}
