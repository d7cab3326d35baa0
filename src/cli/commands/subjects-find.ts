/** `holdfast subjects find` and `export`: where a subject is in the snapshots, and what is said of them there. */
import type { Command } from 'commander';
import { setOf } from '../../config/config.ts';
import { isSurvivable } from '../../errors.ts';
import type { Search } from '../../purge/locate/locate.ts';
import type { SnapshotInput } from '../../purge/locate/prepare.ts';
import type { SnapshotName } from '../../restore/select.ts';
import type { ParsedMap } from '../../subjects/parse.ts';
import type { CliContext } from '../context.ts';
import { formatCount, formatPlural, printable } from '../terminal/format.ts';
import { withListedFiles } from '../people/listed-files.ts';
import { openLiveSnapshots, tellMute } from '../people/live-snapshots.ts';
import type { LiveSnapshots } from '../people/live-snapshots.ts';
import { parseSnapshotName, withReaderKey } from '../options.ts';
import type { ReaderKeyOptions } from '../options.ts';
import { withExamples } from '../program.ts';
import { readSubjectMap } from '../people/subject-map.ts';

interface FindFlags extends ReaderKeyOptions {
  readonly subject: string;
}

interface ExportFlags extends FindFlags {
  readonly output?: string;
}

/** Adds both to `holdfast subjects`. */
export function registerFind(subjects: Command, context: CliContext): void {
  const find = subjects
    .command('find <SET>')
    .description('where a subject is: rows in each table of each snapshot')
    .requiredOption('--subject <NAME=VALUE>', 'whom, by the key or by a column of lookup')
    .action((name: string, flags: FindFlags) => findSubject(context, name, flags));
  withExamples(withReaderKey(find), [
    ['holdfast subjects find shop --subject customer=42 --key ops.key', 'by the key'],
    ['holdfast subjects find shop --subject email=a@b.example --key ops.key', 'by an address'],
  ]);
  const give = subjects
    .command('export')
    .argument('<SET[@WHEN]>', 'the snapshot; the latest when WHEN is left out', parseSnapshotName)
    .description('the rows of a subject from one snapshot, as JSON and CSV')
    .requiredOption('--subject <NAME=VALUE>', 'whom, by the key or by a column of lookup')
    .option('-o, --output <FOLDER>', 'a new folder for subject.json and a CSV file of each table')
    .action((name: SnapshotName, flags: ExportFlags) => exportSubject(context, name, flags));
  withExamples(withReaderKey(give), [
    ['holdfast subjects export shop --subject customer=42 --key ops.key -o customer-42', 'into a folder'],
    ['holdfast subjects export shop@2026-11-20 --subject customer=42 --key ops.key', 'as JSON on stdout'],
  ]);
}

const COLUMNS = [
  { title: 'SNAPSHOT' },
  { title: 'TABLE' },
  { title: 'DELETE', align: 'right' },
  { title: 'CHANGE', align: 'right' },
  { title: 'KEEP', align: 'right' },
] as const;

async function findSubject(context: CliContext, name: string, flags: FindFlags): Promise<void> {
  const { output } = context;
  const parsed = await readMapOf(context, name);
  await using live = await openLiveSnapshots(context, name, flags, ({ catalog }) => catalog.entries);
  const found = await lookFor(context, live, live.snapshots, parsed, flags.subject);
  const rows: string[][] = [];
  for (const { prepared, closure } of found.snapshots) {
    const { snapshot } = prepared.item.entry;
    for (const [table, counts] of closure.counts) {
      output.record({ type: 'found', set: name, snapshot, table, ...counts });
      const numbers = [counts.delete, counts.change, counts.keep].map(formatCount);
      rows.push([snapshot, table, ...numbers]);
    }
  }
  if (rows.length > 0) output.table(COLUMNS, rows);
  await tellProblems(context, found);
  const erased = await tellErased(context, live, found, parsed);
  const named = keysOf(found, parsed);
  if (named > 1) output.warn(`that names ${formatPlural(named, parsed.map.subject)}; name one by its key`);
  const holding = found.snapshots.filter(({ closure }) => closure.affected.size > 0).length;
  const all = formatPlural(live.snapshots.length, 'snapshot');
  output.line(holding === 0 ? `nobody like that in ${all}` : `in ${formatCount(holding)} of ${all}`);
  tellMute(context, live);
  output.summary({ set: name, snapshots: live.snapshots.length, holding, unsearched: live.mute, erased });
}

/**
 * Rows that are there only because a purge has not reached the snapshot: a restore leaves them out.
 * @returns the snapshots that have such rows
 */
async function tellErased(
  context: CliContext,
  live: LiveSnapshots,
  found: Search,
  { map }: ParsedMap,
): Promise<string[]> {
  const { erasedIn } = await import('../people/erased.ts');
  const { erasedAmong } = await import('../../purge/locate/erased.ts');
  const having: string[] = [];
  for (const one of found.snapshots.filter(({ closure }) => closure.affected.size > 0)) {
    const { snapshot } = one.prepared.item.entry;
    try {
      const { purges, rows } = await erasedIn(live, one.prepared, map, context.signal);
      const { dropped } = erasedAmong(rows, one);
      if (dropped === 0) continue;
      having.push(snapshot);
      context.output.warn(
        `${snapshot}: ${formatPlural(dropped, 'row')} of these were erased by purge ${purges.join(', ')}, which has not reached it: restores leave them out`,
      );
    } catch (error) {
      if (!isSurvivable(error)) throw error;
      context.output.warn(`${snapshot}: nobody can tell who was erased from it: ${error.message}`);
    }
  }
  return having;
}

/** How many different subjects were found by what was asked. */
function keysOf({ subjects }: Search, { map: { root } }: ParsedMap): number {
  const keys = subjects.map(({ known }) => JSON.stringify(root.key.map((column) => known.get(column))));
  return new Set(keys.filter((key) => !key.includes('null'))).size;
}

/** What one person is given must not have another one in it who has the same name. */
async function mustBeOne({ subjects, snapshots }: Search, { map }: ParsedMap, asked: string): Promise<void> {
  const { namesakesOf, subjectAmbiguous } = await import('../../purge/plan/namesakes.ts');
  const { namedSubject } = await import('../../subjects/named.ts');
  const found = { subjects, snapshots: snapshots.map(({ prepared }) => prepared) };
  const [namesakes] = namesakesOf([namedSubject(map, asked)], found, map);
  if (namesakes) throw subjectAmbiguous(map.subject, namesakes);
}

async function tellProblems({ output }: CliContext, { snapshots }: Search): Promise<void> {
  const { describeProblem } = await import('../../subjects/integrity.ts');
  for (const { prepared, closure } of snapshots)
    for (const problem of closure.problems)
      output.warn(`${prepared.item.entry.snapshot}: ${describeProblem(problem)}`);
}

async function readMapOf(context: CliContext, name: string): Promise<ParsedMap> {
  const config = await context.config();
  return (await readSubjectMap(config, setOf(config, name))).parsed;
}

async function lookFor(
  context: CliContext,
  { set, session, pool, opener }: LiveSnapshots,
  snapshots: readonly SnapshotInput[],
  { map }: ParsedMap,
  subject: string,
): Promise<Search> {
  const [{ search }, { namedSubject }] = await Promise.all([
    import('../../purge/locate/locate.ts'),
    import('../../subjects/named.ts'),
  ]);
  const reading = { config: await context.config(), session, opener, pool };
  const subjects = await withListedFiles(context, reading, map, [namedSubject(map, subject)]);
  const task = context.progress.start(`looking through ${set.name}`);
  const onProgress = (bytes: number, table: string): void => {
    task.add(bytes);
    task.say(table);
  };
  try {
    const { store } = session;
    return await search({ store, pool, snapshots, map, subjects, onProgress, signal: context.signal });
  } finally {
    task.end();
  }
}

async function exportSubject(context: CliContext, name: SnapshotName, flags: ExportFlags): Promise<void> {
  const { selectSnapshot } = await import('../../restore/select.ts');
  const { mustKnowLatest } = await import('../../restore/open.ts');
  const parsed = await readMapOf(context, name.set);
  await using live = await openLiveSnapshots(context, name.set, flags, (view) => {
    mustKnowLatest(view, name.when);
    return [selectSnapshot(view.catalog.entries, name, view.now)];
  });
  tellMute(context, live);
  const found = await lookFor(context, live, live.snapshots, parsed, flags.subject);
  const [only] = found.snapshots;
  if (only === undefined) return;
  await mustBeOne(found, parsed, flags.subject);
  const { ownRows, rowsOf } = await import('../../purge/export.ts');
  const { erasedIn, subjectErased } = await import('../people/erased.ts');
  const { erasedAmong } = await import('../../purge/locate/erased.ts');
  const { writeExport } = await import('../people/export.ts');
  const { snapshot, time } = only.prepared.item.entry;
  const { purges, rows } = await erasedIn(live, only.prepared, parsed.map, context.signal);
  const { dropped, isRoot, all } = erasedAmong(rows, only);
  if (isRoot || (dropped > 0 && dropped === all)) throw subjectErased(name.set, snapshot, purges);
  if (dropped > 0)
    context.output.warn(
      `left out ${formatPlural(dropped, 'row')}: of somebody whom purge ${purges.join(', ')} has erased`,
    );
  const { closure, others } = ownRows(only);
  for (const [table, count] of others)
    context.output.note(
      `left out ${formatPlural(count, 'row')} of ${printable(table)}: somebody else's, which only point at them (follow: false)`,
    );
  const about = { set: name.set, snapshot, time, subject: flags.subject };
  const given = rowsOf(found, { ...only, closure }, rows, context.signal);
  const written = await writeExport(context, about, given, flags.output);
  context.output.summary({ ...about, ...written });
}
