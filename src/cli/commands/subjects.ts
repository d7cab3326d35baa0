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
import { formatPlural, printable } from '../format.ts';
import { withExamples } from '../program.ts';
import { openSource } from '../wiring.ts';

interface DiscoverFlags {
  readonly root: string;
  readonly subject?: string;
  readonly output?: string;
}

export function register(program: Command, context: CliContext): void {
  const subjects = program
    .command('subjects')
    .description('who a subject is, and which tables are about one')
    .usage('discover|check')
    .helpCommand(false);
  const draft = subjects
    .command('discover <SET>')
    .description('draft a subject map from the live database, for a person to finish')
    .requiredOption('--root <TABLE.KEY>', 'the table with one row for each subject, and its key')
    .option('--subject <NAME>', 'what one subject is called (default: after the table)', subjectName)
    .option('-o, --output <FILE>', 'write the draft there, if nothing is there yet')
    .action((name: string, flags: DiscoverFlags) => discoverMap(context, name, flags));
  withExamples(draft, [
    ['holdfast subjects discover shop --root public.users.id -o subjects/shop.yaml', 'PostgreSQL'],
    ['holdfast subjects discover notes --root users.id', 'SQLite'],
  ]);
  const check = subjects
    .command('check [SET...]')
    .description('hold the subject maps against the live databases')
    .action((names: string[]) => checkMaps(context, names));
  withExamples(check, [['holdfast subjects check', 'all sets that have a map, after each migration']]);
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
  const schema = await readSchema(context, config, setOf(config, name));
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

async function checkMaps(context: CliContext, names: readonly string[]): Promise<void> {
  const config = await context.config();
  const sets = setsOf(config, names).filter((set) => names.length > 0 || set.subjects !== undefined);
  if (sets.length === 0) throw noMap('no set has a subject map');
  const counts: Counts[] = [];
  for (const set of sets) counts.push(await checkSet(context, config, set));
  const problems = counts.reduce((sum, each) => sum + each.problems, 0);
  const warnings = counts.reduce((sum, each) => sum + each.warnings, 0);
  if (problems > 0) context.exit('usage');
  context.output.summary({ sets: sets.map(({ name }) => name), problems, warnings });
}

async function checkSet(context: CliContext, config: Config, set: SetConfig): Promise<Counts> {
  const { checkMap } = await import('../../subjects/check.ts');
  const { output } = context;
  const { parsed, shown } = await readMap(config, set);
  const schema = await readSchema(context, config, set);
  const findings = checkMap(parsed, schema, { engine: set.source });
  for (const finding of findings) {
    const { kind, message } = finding;
    const word = kind === 'problem' ? output.paint('red', 'PROBLEM') : output.paint('yellow', 'warning');
    output.line(`${word}  ${printable(parsed.describe(finding))}`);
    output.record({
      type: 'finding',
      set: set.name,
      kind,
      file: shown,
      ...parsed.locate(finding),
      path: finding.path,
      message,
    });
  }
  const problems = findings.filter(({ kind }) => kind === 'problem').length;
  const warnings = findings.length - problems;
  const said = `${formatPlural(problems, 'problem')}, ${formatPlural(warnings, 'warning')}`;
  output.line(`${set.name}: ${formatPlural(schema.tables.length, 'table')}, ${said}`);
  return { problems, warnings };
}

const MAP_BYTES_MAX = 1024 * 1024;

async function readMap(config: Config, set: SetConfig) {
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

function noMap(message: string): HoldfastError {
  return new HoldfastError({
    code: 'SUBJECTS_NONE',
    exit: 'usage',
    message,
    hint: 'Draft one with `holdfast subjects discover`, and name it as subjects: in the configuration.',
  });
}

async function readSchema(context: CliContext, config: Config, set: SetConfig) {
  const task = context.progress.start(`reading the schema of ${set.name}`);
  try {
    const source = await openSource(config, set, context);
    return await source.schema(context.signal);
  } finally {
    task.end();
  }
}
