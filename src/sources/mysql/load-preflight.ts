/** What stands in the way of a restore, and what will be different. */
import type { DumpReader, LoadOptions, Preflight, StoredStream } from '../source.ts';
import type { ServerVersion } from './flavour.ts';
import { isOlder, readVersion } from './flavour.ts';
import type { GlobalsPlan } from './load-globals.ts';
import { planGlobals } from './load-globals.ts';
import { accountOf, definerOf, enginesOf, readScript, splitScript } from './load-script.ts';
import type { DatabaseText, Target, TargetFacts } from './load-target.ts';
import { databaseHolds, databaseText, findDatabase, readTargetFacts } from './load-target.ts';

export interface Findings extends Preflight {
  readonly facts: TargetFacts;
  /** Of the database that is there already. */
  readonly before: DatabaseText | undefined;
  readonly holds: readonly string[];
  readonly globals: GlobalsPlan | undefined;
  /** That make what is no row. */
  readonly statements: readonly string[];
}

/** Looks, changes nothing. Throws as `query`, and what the dump throws. */
export async function lookAround(
  target: Target,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Findings> {
  const facts = await readTargetFacts(target, signal);
  const before = await findDatabase(target, signal);
  const holds = before === undefined ? [] : await databaseHolds(target, signal);
  const statements = await statementsOf(dump, ['pre-data', 'post-data'], signal);
  const globals = options.globals
    ? planGlobals(await statementsOf(dump, ['globals'], signal), facts.accounts)
    : undefined;
  const need = { target, dump, options, facts, before, statements, globals };
  return {
    target: `database ${target.display}`,
    exists: before !== undefined,
    occupied: holds.length > 0,
    problems: problemsOf(need),
    warnings: warningsOf(need),
    holds,
    facts,
    before,
    globals,
    statements,
  };
}

interface Need {
  readonly target: Target;
  readonly dump: DumpReader;
  readonly options: LoadOptions;
  readonly facts: TargetFacts;
  readonly before: DatabaseText | undefined;
  readonly statements: readonly string[];
  readonly globals: GlobalsPlan | undefined;
}

/** The scripts of some sections, as streams. */
export function scriptsOf(dump: DumpReader, section: StoredStream['section']): StoredStream[] {
  return dump.streams.filter((stream) => stream.section === section && stream.dialect === 'sql');
}

async function statementsOf(
  dump: DumpReader,
  sections: readonly StoredStream['section'][],
  signal: AbortSignal,
): Promise<string[]> {
  const found: string[] = [];
  for (const stream of sections.flatMap((section) => scriptsOf(dump, section))) {
    const script = await readScript(stream.name, dump.read(stream, signal));
    found.push(...splitScript(stream.name, script));
  }
  return found;
}

/** Why the restore cannot work, each a sentence that says what to do. */
function problemsOf({ target, dump, facts, before, globals }: Need): readonly string[] {
  const problems: string[] = [];
  const source = readVersion(dump.source.serverVersion);
  if (source !== undefined && isOlder(target.server, source)) {
    problems.push(
      `the target runs ${called(target.server)}, the dump comes from ${called(source)}: restore to ${called(source)} or newer`,
    );
  }
  if (source?.flavour === 'mariadb' && target.server.flavour === 'mysql') {
    problems.push('the dump comes from MariaDB and has what MySQL does not know: restore to MariaDB');
  }
  if (
    before === undefined &&
    typeof dump.source.facts['collation'] === 'string' &&
    databaseText(dump.source, facts) === undefined
  ) {
    problems.push(
      `the target does not know the collation ${dump.source.facts['collation']}: restore to ${source === undefined ? 'a newer server' : called(source)}, or create the empty database yourself`,
    );
  }
  if (globals !== undefined && facts.accounts === undefined) {
    problems.push(
      `user ${facts.user} may not read the users of the target, which --globals needs: restore as an administrator, or without it`,
    );
  }
  return problems;
}

/** What will be different or may surprise. */
function warningsOf({ target, dump, options, facts, before, statements, globals }: Need): readonly string[] {
  const warnings: string[] = [];
  const source = readVersion(dump.source.serverVersion);
  if (source !== undefined && isOlder(source, target.server))
    warnings.push(`the target runs ${called(target.server)}, newer than ${called(source)} of the dump`);
  if (source?.flavour === 'mysql' && target.server.flavour === 'mariadb')
    warnings.push('the dump comes from MySQL, the target is MariaDB: what only MySQL knows will be refused');
  const definers = missingDefiners(statements, facts, globals);
  if (definers.length > 0 && !options.noOwner)
    warnings.push(
      `the target lacks the users ${few(definers)}: views, routines, triggers and events that they define will not work until you create them (--globals creates them, --no-owner makes ${facts.user} the definer)`,
    );
  const engines = [...enginesOf(statements)].filter((name) => !facts.engines.has(name.toLowerCase()));
  if (engines.length > 0)
    warnings.push(`the target lacks the storage engines ${few(engines)}: it will use its default engine`);
  const wanted = databaseText(dump.source, facts);
  if (before !== undefined && wanted !== undefined && before.collation !== wanted.collation)
    warnings.push(
      `the database has the collation ${before.collation}, the source has ${wanted.collation}: this counts for new tables`,
    );
  const cases = dump.source.facts['lowerCaseTableNames'];
  if (typeof cases === 'number' && cases !== facts.lowerCaseTableNames)
    warnings.push(
      `lower_case_table_names is ${facts.lowerCaseTableNames} on the target and ${cases} on the source: names of tables may change`,
    );
  return warnings;
}

function missingDefiners(
  statements: readonly string[],
  { accounts }: TargetFacts,
  globals: GlobalsPlan | undefined,
): string[] {
  if (accounts === undefined) return [];
  const named = statements.flatMap((each) => definerOf(each) ?? []).map((text) => nameOf(accountOf(text)));
  const known = (name: string): boolean => accounts.has(name) || globals?.creates.has(name) === true;
  return [...new Set(named)].filter((name) => !known(name)).sort();
}

/** As `CONCAT(user, '@', host)` says it. */
function nameOf({ user, host }: { readonly user: string; readonly host: string }): string {
  return `${user}@${host}`;
}

function few(names: readonly string[]): string {
  return names.slice(0, 10).join(', ') + (names.length > 10 ? `, … (${names.length})` : '');
}

function called({ flavour, major, minor }: ServerVersion): string {
  return `${flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${major}.${minor}`;
}
