import { HoldfastError, reasonOf } from '../errors.ts';
import type { Unfinished } from '../sources/source.ts';

export const unknownTable = (
  table: string,
  near: readonly string[],
  all: readonly { readonly name: string }[],
) =>
  new HoldfastError({
    code: 'TABLE_UNKNOWN',
    exit: 'usage',
    message: `the snapshot has no table ${table}`,
    hint:
      near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : `It has ${all
            .slice(0, 10)
            .map(({ name }) => name)
            .join(', ')}${all.length > 10 ? ', …' : ''}.`,
  });

export const targetOccupied = (target: string) =>
  new HoldfastError({
    code: 'TARGET_OCCUPIED',
    exit: 'target',
    message: `${target} already holds something; a restore never writes over it`,
    hint: 'Name a new database or file with --to, or leave --to out to have a new name chosen.',
  });

export const targetUnfinished = (target: string, { label, isSame, isLoaded }: Unfinished) =>
  new HoldfastError({
    code: 'TARGET_UNFINISHED',
    exit: 'target',
    message: `${target} holds ${isLoaded ? `a restore of ${label} that waits for its name` : `an unfinished restore of ${label}`}${isSame ? '' : ', which is not what this one would write'}`,
    hint: isSame
      ? 'Go on with it: the same command and --resume.'
      : 'Only the same snapshot with the same options can go on with it: another snapshot, other tables or owners, people erased since, are another restore. Name a new database with --to, or drop that one.',
  });

export const noKeyFits = (patterns: readonly string[]) =>
  new HoldfastError({
    code: 'NO_KEY_FITS',
    exit: 'usage',
    message: `the snapshot has no key that fits ${patterns.join(' or ')}`,
    hint: 'A pattern is of the whole key: user:42 is not user:42:cart, which user:42* is. Quote it, or the shell reads it.',
  });

/** A server holds what it holds: there is no new place beside it. */
export const targetNeeded = () =>
  new HoldfastError({
    code: 'TARGET_NEEDED',
    exit: 'usage',
    message: 'a whole server was backed up, and there is no free place on it to restore to',
    hint: 'Start an empty server and name it: --to redis://host:6380. Or write a file: --to FILE.rdb for a server to start from, --to FILE.sql for the commands.',
  });

export const targetUnwritable = (target: string, cause: unknown) =>
  new HoldfastError({
    code: 'TARGET_UNWRITABLE',
    exit: 'target',
    message: `cannot write ${target}: ${reasonOf(cause)}`,
    hint: isFull(cause)
      ? 'Make room there or name another place with --to; nothing half-written was left, so the same command can run again.'
      : 'Make sure that its folder exists and that you may write there, or name another file with --to.',
    cause,
  });

function isFull(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');
}

export const preflightFailed = (target: string, problems: readonly string[]) =>
  new HoldfastError({
    code: 'PREFLIGHT_FAILED',
    exit: 'target',
    message: `${target} cannot take this snapshot: ${problems.join('; ')}`,
    hint: 'Mend what is named and look again with --dry-run; nothing was changed.',
  });

export const rowsDiffer = (differences: readonly string[]) =>
  new HoldfastError({
    code: 'ROWS_DIFFER',
    exit: 'verification',
    message: `the restored tables do not have the rows that the snapshot has: ${differences.join('; ')}`,
    hint: 'Do not use the target; keep it for looking into it, and restore another snapshot.',
  });

export const ledgerNeedsMore = (set: string) =>
  new HoldfastError({
    code: 'LEDGER_NOT_APPLICABLE',
    exit: 'unverifiable',
    message: `the ledger of set ${set} holds erasures that this version of holdfast cannot apply`,
    hint: 'Restore with a newer holdfast; this one would bring back people who were erased.',
  });

export const badWhen = (when: string) =>
  new HoldfastError({
    code: 'WHEN_INVALID',
    exit: 'usage',
    message: `${when} is not a time, a date or a snapshot`,
    hint: 'Use latest, oldest, a snapshot id, a date such as 2026-11-21, or a time such as 2026-11-21T03:00:00Z.',
  });

export const latestUncertain = (set: string, key: string) =>
  new HoldfastError({
    code: 'LATEST_UNCERTAIN',
    exit: 'unverifiable',
    message: `which snapshot of set ${set} is the latest cannot be told: ${key} cannot be read or verified`,
    hint: `Name the snapshot that you want (holdfast snapshots ${set} lists them), and run: holdfast verify ${set}`,
  });
