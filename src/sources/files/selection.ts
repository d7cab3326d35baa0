/** Which entries of a snapshot the paths mean that a person named. */
import type { Listed } from '../../rows/files/list.ts';
import { fromText, isWithin, type ByteName } from '../../rows/files/names.ts';

/** An entry that is to be restored. */
export interface Chosen {
  readonly listed: Listed;
  /** A further name of a file that was not chosen: the file, whose content it gets. */
  readonly original?: Listed;
}

export interface Selection {
  /** In the order of the archive, with the folders above what was named. */
  readonly chosen: readonly Chosen[];
  /** What was named and is not there. */
  readonly missing: readonly string[];
}

/** A path as people type it: `img/`, `./img/a.png`, `/img`. */
export function pathFromText(text: string): ByteName {
  const parts = text.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 ? '.' : fromText(parts.join('/'));
}

/**
 * Finds the entries.
 * @param lines - the whole list, anew with each call: it is read twice where a file has further names
 */
export async function selectPaths(
  paths: readonly string[],
  lines: () => AsyncIterable<Listed>,
): Promise<Selection> {
  const wanted = paths.map((text) => ({ text, path: pathFromText(text), isThere: false }));
  const chosen: Listed[] = [];
  for await (const listed of lines()) {
    const within = wanted.filter(({ path }) => isWithin(listed.path, path));
    for (const one of within) one.isThere = true;
    const isAbove = listed.type === 'folder' && wanted.some(({ path }) => isWithin(path, listed.path));
    if (within.length > 0 || isAbove) chosen.push(listed);
  }
  const missing = wanted.filter(({ isThere }) => !isThere).map(({ text }) => text);
  const originals = await originalsOf(chosen, lines);
  return { chosen: chosen.map((listed) => withOriginal(listed, originals)), missing };
}

/** The files that chosen links are further names of, and that were not chosen themselves. */
async function originalsOf(
  chosen: readonly Listed[],
  lines: () => AsyncIterable<Listed>,
): Promise<ReadonlyMap<ByteName, Listed>> {
  const here = new Set(chosen.map(({ path }) => path));
  const absent = new Set(
    chosen.flatMap(({ type, target }) =>
      type === 'link' && target !== undefined && !here.has(target) ? [target] : [],
    ),
  );
  const originals = new Map<ByteName, Listed>();
  if (absent.size === 0) return originals;
  for await (const listed of lines()) if (absent.has(listed.path)) originals.set(listed.path, listed);
  return originals;
}

function withOriginal(listed: Listed, originals: ReadonlyMap<ByteName, Listed>): Chosen {
  const original = listed.type === 'link' ? originals.get(listed.target ?? '') : undefined;
  return { listed, ...(original && { original }) };
}
