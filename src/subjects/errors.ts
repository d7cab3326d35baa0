/** What can be wrong with a subject map, or with asking for one. */
import { HoldfastError } from '../errors.ts';

/** All problems of one file; each line is `file:line:col: path: what is wrong`. */
export function mapInvalid(lines: readonly string[]): HoldfastError {
  const [only] = lines;
  const isOne = lines.length === 1 && only !== undefined;
  return new HoldfastError({
    code: 'SUBJECTS_INVALID',
    exit: 'usage',
    message: isOne
      ? only
      : `the subject map has ${lines.length} problems\n${lines.map((line) => `  ${line}`).join('\n')}`,
    hint: 'Correct the subject map; docs and `holdfast subjects discover` show how one is written.',
  });
}

/** The map cannot be read from its file. */
export function mapUnreadable(file: string, reason: string): HoldfastError {
  return new HoldfastError({
    code: 'SUBJECTS_UNREADABLE',
    exit: 'usage',
    message: `cannot read the subject map ${file}: ${reason}`,
    hint: 'A subject map is a text file in UTF-8 of at most 1 MiB; `holdfast subjects discover` drafts one.',
  });
}

/** `--root` does not name a key of the schema; the hint says what would. */
export function rootUnknown(root: string, reason: string, hint: string): HoldfastError {
  return new HoldfastError({
    code: 'SUBJECTS_ROOT',
    exit: 'usage',
    message: `--root ${root}: ${reason}`,
    hint,
  });
}
