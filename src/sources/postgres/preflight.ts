/** What stands in the way of a restore: decided from what the dump needs and what the target offers. */
import type { DumpReader, LoadOptions, Preflight, Unfinished } from '../source.ts';
import { rolesOfDatabase } from './load-database.ts';
import { planGlobals, type GlobalsPlan } from './load-globals.ts';
import { readMark } from './load-mark.ts';
import type { Mark } from './load-mark.ts';
import { scripts, statementsOf, surveyDump, type PlacedStatement, type Survey } from './load-survey.ts';
import { chooseTables } from './load-tables.ts';
import type { Target, TargetFacts } from './load-target.ts';

/** Everything that was found out before anything is changed. */
export interface Findings extends Preflight {
  readonly holds: readonly string[];
  readonly facts: TargetFacts;
  readonly survey: Survey;
  /** Undefined without `--globals`. */
  readonly globals: GlobalsPlan | undefined;
  /** Keys of the tables to load; undefined: all. */
  readonly chosen: ReadonlySet<string> | undefined;
}

/** Looks at dump and target; changes nothing. @throws HoldfastError TABLE_UNKNOWN, TABLE_AMBIGUOUS, SQL_META_COMMAND, … */
export async function lookAround(
  target: Target,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Findings> {
  const survey = await surveyDump(dump, signal);
  const chosen =
    options.tables === undefined ? undefined : chooseTables(dump.streams, options.tables, survey.partitions);
  const facts = await target.facts();
  const globals = options.globals
    ? planGlobals(await globalStatements(dump, signal), facts, options.globals === 'roles')
    : undefined;
  const exists = await target.exists();
  const mark = exists ? await readMark(target) : undefined;
  const unfinished = mark && unfinishedOf(mark, options);
  const resumes = options.resume === true && unfinished?.isSame === true;
  const holds = resumes || !exists ? [] : await holdings(target, unfinished);
  const need = { dump, options, survey, globals, facts, exists: exists && !resumes };
  return {
    target: `database ${target.database} on ${serverOf(target)}`,
    exists,
    occupied: holds.length > 0,
    ...(unfinished && { unfinished }),
    problems: problemsOf(need),
    missingRoles: missingRoles(need),
    warnings: warningsOf(need),
    holds,
    facts,
    survey,
    globals,
    chosen,
  };
}

/** Even an empty database is taken when a restore has begun in it. */
async function holdings(target: Target, unfinished: Unfinished | undefined): Promise<readonly string[]> {
  if (unfinished === undefined) return target.holds();
  return [`an unfinished restore of ${unfinished.label}`];
}

function unfinishedOf(mark: Mark, { identity }: LoadOptions): Unfinished {
  const { label, id, phase } = mark;
  const isLoaded = phase === 'loaded';
  return { label, isSame: id === identity?.id, keepsTables: phase === 'data' || isLoaded, isLoaded };
}

interface Need {
  readonly dump: DumpReader;
  readonly options: LoadOptions;
  readonly survey: Survey;
  readonly globals: GlobalsPlan | undefined;
  readonly facts: TargetFacts;
  readonly exists: boolean;
}

/** Sessions of a restore beside its jobs: one next to the database, one for the pre-data. */
const OTHER_SESSIONS = 2;

/** Why the restore cannot work, each a sentence that says what to do. */
function problemsOf(need: Need): readonly string[] {
  const { dump, options, survey, globals, facts, exists } = need;
  const problems: string[] = [];
  const source = majorOf(dump.source.serverVersion);
  const target = Math.floor(facts.version / 10_000);
  if (source !== undefined && target < source) {
    problems.push(
      `the target runs PostgreSQL ${target}, the dump comes from ${source}: restore to PostgreSQL ${source} or newer`,
    );
  }
  const extensions = [...survey.extensions].filter((name) => !facts.extensions.has(name));
  for (const name of extensions)
    problems.push(`extension ${name} is not installed on the target: ${packageOf(name, target)}`);
  const roles = missingRoles(need);
  if (roles.length > 0) {
    const known = roles.slice(0, 10).join(', ') + (roles.length > 10 ? `, … (${roles.length})` : '');
    const way = options.noOwner
      ? 'policies or user mappings name them: create them, or restore with --globals'
      : 'create them, restore with --globals to have them created, or with --no-owner to leave ownership out';
    problems.push(`the target lacks the roles ${known}: ${way}`);
  }
  if (!exists && !facts.mayCreateDatabase) {
    problems.push(
      `role ${facts.user} may not create databases: give it CREATEDB or create the empty database yourself`,
    );
  }
  if (globals !== undefined && globals.roles.size > 0 && !facts.mayCreateRoles) {
    problems.push(`role ${facts.user} may not create roles: restore as a superuser, or create them yourself`);
  }
  const sessions = options.jobs + OTHER_SESSIONS;
  if (facts.freeConnections < sessions - 1) {
    problems.push(
      `the target has ${Math.max(0, facts.freeConnections)} free connections and ${sessions} are needed: lower --jobs`,
    );
  }
  return problems;
}

/** What will be different or may surprise. */
function warningsOf(need: Need): readonly string[] {
  const { dump, options, survey, facts, globals } = need;
  const warnings: string[] = [];
  const source = majorOf(dump.source.serverVersion);
  const target = Math.floor(facts.version / 10_000);
  if (source !== undefined && target > source) {
    warnings.push(`the target runs PostgreSQL ${target}, newer than ${source} of the dump`);
  }
  for (const name of survey.tablespaces) {
    const isThere = facts.tablespaces.has(name) || globals?.tablespaces.has(name) === true;
    if (!isThere) warnings.push(`tablespace ${name} is not on the target: the default one will be used`);
  }
  const foreign = [...survey.owners].filter((role) => facts.roles.has(role) && !facts.memberOf.has(role));
  if (!facts.isSuperuser && !options.noOwner && foreign.length > 0) {
    warnings.push(
      `role ${facts.user} is neither superuser nor member of ${foreign.slice(0, 5).join(', ')}: setting owners may fail (--no-owner leaves them out)`,
    );
  }
  return warnings;
}

/** The database's own owner and grants count only where the restore makes the database. */
function missingRoles({ dump, options, survey, globals, facts, exists }: Need): readonly string[] {
  const ofDatabase = exists ? [] : rolesOfDatabase(dump.source.facts);
  const owners = options.noOwner ? [] : [...survey.owners, ...ofDatabase];
  const needed = new Set([...owners, ...survey.named]);
  return [...needed].filter((role) => !facts.roles.has(role) && globals?.roles.has(role) !== true).sort();
}

async function globalStatements(dump: DumpReader, signal: AbortSignal): Promise<readonly PlacedStatement[]> {
  const found: PlacedStatement[] = [];
  for (const stream of scripts(dump, 'globals')) {
    for await (const statement of statementsOf(dump, stream, signal)) found.push(statement);
  }
  return found;
}

/** 15 from `15.20 (Debian 15.20-0+deb12u1)`, 9 from 9.6. */
function majorOf(version: string): number | undefined {
  const found = /\d+/.exec(version)?.[0];
  return found === undefined ? undefined : Number(found);
}

/** Extensions of PostgreSQL's own contrib come in one package, others in packages of their own. */
function packageOf(name: string, major: number): string {
  const packages: Readonly<Record<string, string>> = {
    postgis: `postgresql-${major}-postgis-3`,
    vector: `postgresql-${major}-pgvector`,
    timescaledb: `timescaledb-2-postgresql-${major}`,
    pg_cron: `postgresql-${major}-cron`,
    pg_partman: `postgresql-${major}-partman`,
    plpython3u: `postgresql-plpython3-${major}`,
    plperl: `postgresql-plperl-${major}`,
    pltcl: `postgresql-pltcl-${major}`,
  };
  return `install its package (on Debian ${packages[name] ?? `postgresql-contrib or postgresql-${major}-${name.replaceAll('_', '-')}`})`;
}

function serverOf(target: Target): string {
  const { display, database } = target.connection;
  return display.endsWith(`/${database}`) ? display.slice(0, -database.length - 1) : display;
}
