/** `holdfast subjects`: what a subject is, and where the database has something about one. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { setOf, setsOf } from '../../config/config.ts';
import type { Config, SetConfig } from '../../config/config.ts';
import { HoldfastError, reasonOf } from '../../errors.ts';
import { SUBJECT_NAME, SUBJECT_NAME_RULE } from '../../subjects/names.ts';
import type { CliContext } from '../context.ts';
import { formatPlural, printable } from '../terminal/format.ts';
import { withExamples } from '../program.ts';
import { noMap, readSubjectMap } from '../people/subject-map.ts';
import type { ConfiguredMap } from '../people/subject-map.ts';
import type { Finding } from '../../subjects/finding.ts';
import { readLiveSchema } from '../people/live-schema.ts';
import { listedFindings } from '../people/listed-files.ts';
import { openLiveSnapshots, tellMute } from '../people/live-snapshots.ts';
import { readerKeyFile, withReaderKey } from '../options.ts';
import type { ReaderKeyOptions } from '../options.ts';
import { registerFind } from './subjects-find.ts';
import { registerSql } from './subjects-sql.ts';

interface DiscoverFlags {
  readonly root: string;
  readonly subject?: string;
  readonly output?: string;
}

export function register(program: Command, context: CliContext): void {
  const subjects = program
    .command('subjects')
    .description('which tables are about a person, by a map; find and export their rows')
    .usage('discover|check|find|export|sql')
    .helpCommand(false);
  const draft = subjects
    .command('discover <SET>')
    .description('draft a subject map from the live database, for a person to finish')
    .requiredOption(
      '--root <TABLE.KEY>',
      'the table with one row for each subject, and its key; commas between its columns',
    )
    .option('--subject <NAME>', 'what one subject is called (default: after the table)', subjectName)
    .option('-o, --output <FILE>', 'write the draft there, if nothing is there yet')
    .action((name: string, flags: DiscoverFlags) => discoverMap(context, name, flags));
  withExamples(draft, [
    ['holdfast subjects discover shop --root public.users.id -o subjects/shop.yaml', 'PostgreSQL'],
    ['holdfast subjects discover notes --root users.id', 'SQLite'],
  ]);
  const check = subjects
    .command('check [SET...]')
    .description('hold the subject maps against the live databases, and with a key against the snapshots')
    .action((names: string[], flags: ReaderKeyOptions) => checkMaps(context, names, flags));
  withExamples(withReaderKey(check), [
    ['holdfast subjects check', 'all sets that have a map, after each migration'],
    ['holdfast subjects check shop --key ops.key', 'also every snapshot that can still be read'],
  ]);
  registerFind(subjects, context);
  registerSql(subjects, context);
}

function subjectName(text: string): string {
  if (SUBJECT_NAME.test(text)) return text;
  throw new InvalidArgumentError(`It ${SUBJECT_NAME_RULE}.`);
}

async function discoverMap(context: CliContext, name: string, flags: DiscoverFlags): Promise<void> {
  const { discover } = await import('../../subjects/discover.ts');
  const { output } = context;
  const { root, subject } = flags;
  const config = await context.config();
  const schema = await readLiveSchema(context, config, setOf(config, name));
  const command = `holdfast subjects discover ${name} --root ${root}`;
  const text = discover(schema, { root, command, ...(subject !== undefined && { subject }) });
  if (flags.output !== undefined) {
    await writeNew(flags.output, text);
    output.line(`wrote ${flags.output}: read every line, then name it as subjects: in ${config.file}`);
  } else if (!context.json) await output.write(text);
  output.record({ type: 'draft', set: name, root, text });
  output.summary({ set: name, tables: schema.tables.length });
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(resolve(file), text, { flag: 'wx' });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new HoldfastError({
      code: 'DRAFT_NOT_WRITTEN',
      exit: 'usage',
      message: `cannot write ${file}: ${isThere ? 'it is there already' : reasonOf(error)}`,
      hint: isThere
        ? 'Name a new file and compare the two: what people wrote is never overwritten.'
        : 'Name a file in a folder that is there and that you may write to.',
      cause: error,
    });
  }
}

interface Counts {
  readonly problems: number;
  readonly warnings: number;
}

async function checkMaps(
  context: CliContext,
  names: readonly string[],
  flags: ReaderKeyOptions,
): Promise<void> {
  const config = await context.config();
  const sets = setsOf(config, names).filter((set) => names.length > 0 || set.subjects !== undefined);
  if (sets.length === 0) throw noMap('no set has a subject map');
  const counts: Counts[] = [];
  for (const set of sets) {
    counts.push(await checkSet(context, config, set));
    if (hasKey(context, flags)) counts.push(await checkSnapshots(context, config, set, flags));
  }
  const problems = counts.reduce((sum, each) => sum + each.problems, 0);
  const warnings = counts.reduce((sum, each) => sum + each.warnings, 0);
  if (problems > 0) context.exit('usage');
  context.output.summary({ sets: sets.map(({ name }) => name), problems, warnings });
}

async function checkSet(context: CliContext, config: Config, set: SetConfig): Promise<Counts> {
  const { checkMap } = await import('../../subjects/check.ts');
  const { output } = context;
  const { parsed, shown } = await readSubjectMap(config, set);
  const schema = await readLiveSchema(context, config, set);
  const findings = [
    ...checkMap(parsed, schema, { engine: set.source }),
    ...(await listedFindings(config, parsed)),
  ];
  for (const finding of findings) tellFinding(context, set.name, { parsed, shown }, finding);
  const counts = countOf(findings);
  output.line(`${set.name}: ${formatPlural(schema.tables.length, 'table')}, ${saidOf(counts)}`);
  return counts;
}

/** Every schema that a readable snapshot has: what is wrong for several of them is said once. */
async function checkSnapshots(
  context: CliContext,
  config: Config,
  set: SetConfig,
  flags: ReaderKeyOptions,
): Promise<Counts> {
  const { checkMap } = await import('../../subjects/check.ts');
  const { readSidecar } = await import('../../restore/sidecar.ts');
  const { SnapshotReader } = await import('../../restore/reader.ts');
  const map = await readSubjectMap(config, set);
  await using live = await openLiveSnapshots(context, set.name, flags, ({ catalog }) => catalog.entries);
  const findings = new Map<string, Finding>();
  for (const { manifest } of live.snapshots) {
    const reader = new SnapshotReader(live.session.store, manifest, live.pool);
    const sidecar = await readSidecar(reader, manifest, context.signal);
    if (sidecar === undefined) continue;
    const options = { engine: manifest.source.kind, isPast: true };
    for (const finding of checkMap(map.parsed, sidecar.schema, options))
      findings.set(map.parsed.describe(finding), finding);
  }
  for (const finding of findings.values()) tellFinding(context, set.name, map, finding);
  tellMute(context, live);
  const counts = countOf([...findings.values()]);
  context.output.line(`${set.name}: ${formatPlural(live.snapshots.length, 'snapshot')}, ${saidOf(counts)}`);
  return counts;
}

function tellFinding(
  { output }: CliContext,
  set: string,
  { parsed, shown }: ConfiguredMap,
  finding: Finding,
): void {
  const { kind, path, message } = finding;
  const word = kind === 'problem' ? output.paint('red', 'PROBLEM') : output.paint('yellow', 'warning');
  output.line(`${word}  ${printable(parsed.describe(finding))}`);
  output.record({ type: 'finding', set, kind, file: shown, ...parsed.locate(finding), path, message });
}

function countOf(findings: readonly Finding[]): Counts {
  const problems = findings.filter(({ kind }) => kind === 'problem').length;
  return { problems, warnings: findings.length - problems };
}

function saidOf({ problems, warnings }: Counts): string {
  return `${formatPlural(problems, 'problem')}, ${formatPlural(warnings, 'warning')}`;
}

function hasKey({ env }: CliContext, flags: ReaderKeyOptions): boolean {
  return flags.gpg === true || readerKeyFile(flags, env) !== undefined;
}
