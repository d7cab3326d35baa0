/** `--path`: which snapshots have paths, and what can be done with one. */
import { HoldfastError } from '../errors.ts';
import type { SourceKind } from '../sources/source.ts';

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
