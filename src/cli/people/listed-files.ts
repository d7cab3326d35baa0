/** Whose files are looked for: those that a person names, and those that a database lists. */
import { resolve } from 'node:path';
import type { Config } from '../../config/config.ts';
import { setOf } from '../../config/config.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import type { Session } from '../../repository/session.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { Subject } from '../../subjects/closure.ts';
import type { Listed, SubjectMap } from '../../subjects/map.ts';
import type { Finding } from '../../subjects/finding.ts';
import type { ParsedMap } from '../../subjects/parse.ts';
import type { CliContext } from '../context.ts';
import { formatPlural } from '../terminal/format.ts';
import { readSubjectMap } from './subject-map.ts';

/** 100,000 names and more. */
const NAMES_BYTES_MAX = 16 * 1024 * 1024;

export interface FilesReading {
  readonly config: Config;
  readonly session: Session;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
}

/**
 * The subjects with everything that databases list of theirs; the same where the map lists nothing.
 * @param given - names that a person gives, see `readPaths`
 * @throws HoldfastError LISTED_GONE, LISTED_FORGOTTEN, LISTED_SUBJECT, LISTED_KEY, LISTED_UNKNOWN, LISTED_COMPUTED, LISTED_UNREADABLE, and what searching throws
 */
export async function withListedFiles(
  context: CliContext,
  reading: FilesReading,
  map: SubjectMap,
  asked: readonly Subject[],
  given?: NamedPaths,
): Promise<readonly Subject[]> {
  const lists = [...map.tables.values()].flatMap((rule) =>
    rule.kind === 'linked' ? (rule.listed ?? []) : [],
  );
  if (lists.length === 0 && given === undefined) return asked;
  const { pathSubject } = await import('../../purge/listed.ts');
  const subjects = [...asked];
  const paths = new Set(given?.keys());
  for (const [set, listed] of Map.groupBy(lists, (one) => one.set)) {
    const found = await fromSet(context, reading, { set, listed, map, asked }, given !== undefined);
    subjects.push(...found.subjects);
    for (const path of found.paths) paths.add(path);
  }
  return [...subjects, ...[...paths].map(pathSubject)];
}

interface Lists {
  readonly set: string;
  readonly listed: readonly Listed[];
  /** Of the files. */
  readonly map: SubjectMap;
  readonly asked: readonly Subject[];
}

async function fromSet(
  context: CliContext,
  { config, ...reading }: FilesReading,
  { set, listed, map, asked }: Lists,
  hasNames: boolean,
) {
  const { asIn, listedNames } = await import('../../purge/listed.ts');
  const { listedForgotten, listedGone, listedSubject, listedUnreadable } =
    await import('../../purge/errors.ts');
  const { parsed } = await readSubjectMap(config, setOf(config, set));
  const theirs = parsed.map;
  const subjects = asked.map((one) => {
    const found = asIn(one, map.root, theirs.root);
    if (!found) throw listedSubject(set);
    return found;
  });
  const task = context.progress.start(`looking for names of files in ${set}`);
  const onProgress = (bytes: number): void => task.add(bytes);
  const input = { ...reading, set, map: theirs, subjects, listed, onProgress };
  const found = await listedNames(input, context.signal).finally(() => task.end());
  const { output } = context;
  if (found.erasedBy.length > 0 && !hasNames) throw listedGone(set, found.erasedBy);
  if (found.erasedBy.length > 0)
    output.warn(`set ${set} has lost the names of their files; what --paths-from gives is looked for`);
  if (found.unreadable.length > 0 && !hasNames) throw listedUnreadable(set, found.unreadable);
  if (found.unreadable.length > 0)
    output.warn(`set ${set} may list more files of theirs, in what cannot be read: holdfast verify ${set}`);
  if (found.forgotten.length > 0 && !hasNames) throw listedForgotten(set, found.forgotten);
  if (found.strangers > 0)
    output.warn(
      `set ${set} has no row of ${theirs.root.table} for ${found.strangers === 1 ? 'the one' : `${found.strangers} of those`} you ask for: look at what both maps call the key`,
    );
  output.note(`${set} lists ${formatPlural(found.paths.length, 'file')} of theirs`);
  if (found.foreign > 0)
    output.warn(`${formatPlural(found.foreign, 'name')} in ${set} are of no file of this set: look at strip`);
  return { ...found, subjects: found.subjects.flatMap((one) => asIn(one, theirs.root, map.root) ?? []) };
}

/** Paths that a person gives, each with the line of the file on which it stands. */
export type NamedPaths = ReadonlyMap<string, number>;

/**
 * Reads a file with paths, one a line.
 * @throws HoldfastError PATHS_UNREADABLE
 */
export async function readPaths(file: string): Promise<NamedPaths> {
  const { readTextFile } = await import('../../config/text-file.ts');
  const { plainPath } = await import('../../purge/listed.ts');
  const { text } = await readTextFile(resolve(file), NAMES_BYTES_MAX).catch((error: unknown) => {
    throw pathsUnreadable(file, reasonOf(error));
  });
  const paths = new Map<string, number>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue;
    const path = plainPath(line);
    if (path === undefined) throw pathsUnreadable(file, `line ${at + 1} is no path below the folder`);
    paths.set(path, at + 1);
  }
  return paths;
}

function pathsUnreadable(file: string, reason: string): HoldfastError {
  return new HoldfastError({
    code: 'PATHS_UNREADABLE',
    exit: 'usage',
    message: `cannot read ${file}: ${reason}`,
    hint: 'Write one path a line, in UTF-8, from the folder that is backed up: img/2026/a.png',
  });
}

/** What `listed:` names and the configuration does not have: a plan would fail by it. */
export async function listedFindings(
  config: Config,
  { map, pathOf }: ParsedMap,
): Promise<readonly Finding[]> {
  const { problem } = await import('../../subjects/finding.ts');
  const findings: Finding[] = [];
  for (const rule of map.tables.values())
    for (const { set: name, table } of rule.kind === 'linked' ? (rule.listed ?? []) : []) {
      const wrong = (message: string) => findings.push(problem([...pathOf(rule), 'listed'], message));
      const set = config.sets.get(name);
      if (set === undefined) wrong(`there is no set ${name}`);
      else if (set.source === 'files') wrong(`set ${name} is of files, which list none`);
      else if (set.subjects === undefined)
        wrong(`set ${name} has no subject map, which would say whose its rows are`);
      else if ((await readSubjectMap(config, set)).parsed.map.tables.get(table)?.kind !== 'linked')
        wrong(`the map of set ${name} does not say whose the rows of ${table} are`);
    }
  return findings;
}

/**
 * Says which sets find their files by rows of this one: those names are gone when it has been purged.
 * @throws HoldfastError what reading the configured maps throws
 */
export async function tellWhoseNames(context: CliContext, config: Config, name: string): Promise<void> {
  for (const set of config.sets.values()) {
    if (set.source !== 'files' || set.subjects === undefined) continue;
    const { tables } = (await readSubjectMap(config, set)).parsed.map;
    const lists = [...tables.values()].flatMap((rule) => (rule.kind === 'linked' ? (rule.listed ?? []) : []));
    if (!lists.some((one) => one.set === name)) continue;
    context.output.warn(
      `set ${set.name} finds files by rows of ${name}: plan ${set.name} before this is applied, since the names go with the rows`,
    );
  }
}
