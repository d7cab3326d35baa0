/** `--path` and `--match`: which snapshots have paths or keys, and what can be done with them. */
import type { Command } from 'commander';
import { HoldfastError } from '../../errors.ts';
import type { DumpReader, SourceKind } from '../../sources/source.ts';
import { repeated } from '../options.ts';

/**
 * Stops where paths were named and mean nothing.
 * @param isOneFile - all is written into one file, which is the whole archive
 * @throws HoldfastError PATH_NOT_HERE
 */
export function mustFitPaths(kind: SourceKind, isOneFile: boolean, paths: readonly string[]): void {
  if (paths.length === 0 || (kind === 'files' && !isOneFile)) return;
  const isDatabase = kind !== 'files';
  throw new HoldfastError({
    code: 'PATH_NOT_HERE',
    exit: 'usage',
    message: isDatabase
      ? `--path is for files, and this is a snapshot of ${kind}`
      : '--path cannot be restored into an archive',
    hint: isDatabase ? 'Choose rows with --table.' : 'Name a folder with --to.',
  });
}

export interface MatchFlags {
  readonly match: readonly string[];
  readonly table: readonly string[];
}

/** `--match`, for verbs that give data out. */
export function withMatch(command: Command): Command {
  return command.option(
    '-m, --match <PATTERN>',
    'Redis: only keys that match, as in KEYS (user:42:*); may be repeated',
    repeated,
    [],
  );
}

/**
 * The dump, or those of its keys that were chosen.
 * @throws HoldfastError MATCH_NOT_HERE, TABLE_UNKNOWN, NO_KEY_FITS
 */
export async function chosenKeys(dump: DumpReader, { match, table }: MatchFlags): Promise<DumpReader> {
  if (match.length === 0) return dump;
  const { kind } = dump.source;
  if (kind !== 'redis')
    throw new HoldfastError({
      code: 'MATCH_NOT_HERE',
      exit: 'usage',
      message: `--match is for keys of Redis, and this is a snapshot of ${kind}`,
      hint: kind === 'files' ? 'Choose files with --path.' : 'Choose tables with --table.',
    });
  const { MatchingReader } = await import('../../restore/matching.ts');
  return new MatchingReader(dump, { patterns: match, ...(table.length > 0 && { tables: table }) });
}
