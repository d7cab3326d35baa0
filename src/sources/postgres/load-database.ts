/** What belongs to the database itself and stands in no section of pg_dump: owner, comment, grants, settings. */
import { z } from 'zod';
import { databaseFailed, sqlState } from './load-errors.ts';
import { parseMark } from './load-mark.ts';
import { quoteLiteral, quoteName } from './load-names.ts';
import type { Target } from './load-target.ts';

const FACTS = z.object({
  owner: z.string().optional().catch(undefined),
  comment: z.string().nullish().catch(undefined),
  grants: z
    .array(
      z.object({ grantee: z.string(), privilege: z.string().regex(/^[A-Z ]+$/), grantable: z.boolean() }),
    )
    .nullish()
    .catch(undefined),
  connectionLimit: z.int().min(0).optional().catch(undefined),
  settings: z.array(z.object({ role: z.string().nullable(), values: z.array(z.string()) })).catch([]),
});

/** Roles that the facts name: owner, grantees, roles with settings of their own in this database. */
export function rolesOfDatabase(facts: Readonly<Record<string, unknown>>): readonly string[] {
  const { owner, grants, settings } = FACTS.parse(facts);
  const grantees = (grants ?? []).map(({ grantee }) => grantee).filter((grantee) => grantee !== 'PUBLIC');
  const own = settings.flatMap(({ role }) => role ?? []);
  return [...(owner === undefined ? [] : [owner]), ...grantees, ...own];
}

/**
 * Carries the statements out in a database that the restore has made.
 * @param mark - a mark that stays, of a database that waits for its name; undefined: it is finished
 * @returns what the target does not know
 * @throws HoldfastError LOAD_DATABASE
 */
export async function finishDatabase(
  target: Target,
  facts: Readonly<Record<string, unknown>>,
  noOwner: boolean,
  mark?: string,
): Promise<readonly string[]> {
  const leftOut: string[] = [];
  const statements = databaseStatements(facts, target.database, noOwner);
  for (const { sql, what } of withMarkLast(statements, target.database, mark)) {
    try {
      for (const statement of sql) await target.run(Buffer.from(statement));
    } catch (error) {
      // 42704: a setting that this server does not know.
      if (sqlState(error) !== '42704' || !what.startsWith('setting ')) throw databaseFailed(what, error);
      leftOut.push(`${what}: the target does not know it`);
    }
  }
  return leftOut;
}

/** The database's own comment takes the place of the mark. */
export async function unmark(target: Target, facts: Readonly<Record<string, unknown>>): Promise<void> {
  await target.run(Buffer.from(commentOn(target.database, ownComment(facts))));
}

/** The database's own comment takes the place of the mark, in one transaction with what comes last: until then it is unfinished. */
function withMarkLast(
  all: readonly DatabaseStatement[],
  database: string,
  mark: string | undefined,
): readonly DatabaseStatement[] {
  const own = all.find(({ what }) => what === COMMENT)?.sql[0];
  const last = all.find(({ what }) => what.startsWith('owner '));
  const comment = mark === undefined && own !== undefined ? own : commentOn(database, mark);
  return [
    ...all.filter((each) => each.what !== COMMENT && each !== last),
    { sql: [[comment, ...(last?.sql ?? [])].join('; ')], what: last?.what ?? COMMENT },
  ];
}

const COMMENT = 'comment of the database';

/** The comment that the source's database has, unless that is the mark of a restore. */
export function ownComment(facts: Readonly<Record<string, unknown>>): string | undefined {
  const { comment } = FACTS.parse(facts);
  // Of a source that was unfinished itself.
  return parseMark(comment) === undefined ? (comment ?? undefined) : undefined;
}

/** The statement that gives a database this comment, or none. */
export function commentOn(database: string, comment: string | undefined): string {
  const text = comment === undefined ? 'NULL' : quoteLiteral(comment);
  return `COMMENT ON DATABASE ${quoteName(database)} IS ${text}`;
}

/** A statement for a session beside the database, and what it is for. */
export interface DatabaseStatement {
  readonly sql: readonly string[];
  readonly what: string;
}

/**
 * Statements that make a new database like the source's. They come last: a setting such as
 * default_transaction_read_only would be in the way of the restore.
 */
export function databaseStatements(
  facts: Readonly<Record<string, unknown>>,
  database: string,
  noOwner: boolean,
): readonly DatabaseStatement[] {
  const { owner, grants, settings, connectionLimit } = FACTS.parse(facts);
  const name = quoteName(database);
  const all: DatabaseStatement[] = [];
  const comment = ownComment(facts);
  if (comment !== undefined) all.push({ sql: [commentOn(database, comment)], what: COMMENT });
  if (connectionLimit !== undefined)
    all.push({
      sql: [`ALTER DATABASE ${name} CONNECTION LIMIT ${connectionLimit}`],
      what: 'connection limit of the database',
    });
  for (const { role, values } of settings) {
    if (role !== null && noOwner) continue;
    for (const value of values) all.push(setting(name, role, value));
  }
  if (noOwner) return all;
  if (grants !== undefined && grants !== null) {
    const revoke = `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`;
    const given = grants
      .filter(({ grantee }) => grantee !== owner)
      .map(({ grantee, privilege, grantable }) => {
        const to = grantee === 'PUBLIC' ? 'PUBLIC' : quoteName(grantee);
        return `GRANT ${privilege} ON DATABASE ${name} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`;
      });
    all.push({ sql: [revoke, ...given], what: 'grants on the database' });
  }
  if (owner !== undefined) {
    all.push({
      sql: [`ALTER DATABASE ${name} OWNER TO ${quoteName(owner)}`],
      what: `owner ${owner} of the database`,
    });
  }
  return all;
}

/** Variables whose value is a list of names: GUC_LIST_QUOTE in PostgreSQL's guc tables. */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** A list is stored in the form in which set_config takes it, and not in the one that SET takes. */
function setting(database: string, role: string | null, text: string): DatabaseStatement {
  const [variable = '', ...rest] = text.split('=');
  const value = rest.join('=');
  const name = variable.split('.').map(quoteName).join('.');
  const of =
    role === null ? `ALTER DATABASE ${database}` : `ALTER ROLE ${quoteName(role)} IN DATABASE ${database}`;
  const what = `setting ${variable}${role === null ? '' : ` of role ${role}`} of the database`;
  if (!LISTS.has(variable.toLowerCase()))
    return { sql: [`${of} SET ${name} = ${quoteLiteral(value)}`], what };
  return {
    sql: [
      `SELECT pg_catalog.set_config(${quoteLiteral(variable)}, ${quoteLiteral(value)}, false)`,
      `${of} SET ${name} FROM CURRENT`,
      `RESET ${name}`,
    ],
    what,
  };
}
