/** The subject map that the configuration names for a set. */
import type { Config, SetConfig } from '../../config/config.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { ParsedMap } from '../../subjects/parse.ts';

const MAP_BYTES_MAX = 1024 * 1024;

/** A map, and its file as the configuration names it. */
export interface ConfiguredMap {
  readonly parsed: ParsedMap;
  readonly shown: string;
}

/**
 * Reads and parses it.
 * @throws HoldfastError SUBJECTS_NONE, SUBJECTS_UNREADABLE, SUBJECTS_INVALID
 */
export async function readSubjectMap(config: Config, set: SetConfig): Promise<ConfiguredMap> {
  const { readTextFile } = await import('../../config/text-file.ts');
  const { mapUnreadable } = await import('../../subjects/errors.ts');
  const { parseSubjectMap } = await import('../../subjects/parse.ts');
  if (set.subjects === undefined) throw noMap(`set ${set.name} has no subject map`);
  const shown = shownFrom(config.folder, set.subjects);
  const { text } = await readTextFile(set.subjects, MAP_BYTES_MAX).catch((error: unknown) => {
    throw mapUnreadable(shown, reasonOf(error));
  });
  return { parsed: parseSubjectMap(text, shown), shown };
}

/** As the configuration names it, where it is below its folder. */
function shownFrom(folder: string, file: string): string {
  return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : file;
}

/** Nothing says what a subject is. */
export function noMap(message: string): HoldfastError {
  return new HoldfastError({
    code: 'SUBJECTS_NONE',
    exit: 'usage',
    message,
    hint: 'Draft one with `holdfast subjects discover`, and name it as subjects: in the configuration.',
  });
}
