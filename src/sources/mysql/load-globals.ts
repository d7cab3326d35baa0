/** Users and roles that the target lacks: created with their rights; those that are there stay as they are. */
import { isHoldfastError } from '../../errors.ts';
import { backquoted } from '../../rows/mysql-names.ts';
import { accountOf } from './load-script.ts';
import { runScript, scriptOf } from './load-process.ts';
import type { Target } from './load-target.ts';

export interface GlobalsPlan {
  /** Accounts as `user@host`; a role has an empty host. */
  readonly creates: ReadonlySet<string>;
  /** Statements in their order. */
  readonly run: readonly string[];
  /** Rights on single tables and routines, which have to be there first. */
  readonly onObjects: readonly string[];
  readonly leftOut: readonly string[];
}

/** What the plans of globals tell apart. */
interface Statement {
  readonly text: string;
  readonly creates: string | undefined;
  /** Whom it gives something. */
  readonly concerns: readonly string[];
}

const NAME = "(?:`(?:[^`]|``)*`|'(?:[^'\\\\]|\\\\.|'')*')";
const ACCOUNT = `${NAME}(?:@${NAME})?`;
const CREATE = new RegExp(
  `^CREATE (?:USER|ROLE)(?: IF NOT EXISTS| /\\*M?!\\d+ IF NOT EXISTS \\*/)? (${ACCOUNT})`,
  'i',
);
const GRANTED = new RegExp(`^GRANT\\b[^]*? TO (${ACCOUNT})`, 'i');
/** On `database`.`table`, and not on `database`.*; names of columns may stand before. */
const ON_OBJECT = new RegExp(`^GRANT\\b(?:[^\`'"]|${NAME})*? ON (?:[A-Z ]+ )?${NAME}\\.${NAME} TO `, 'i');
const DEFAULTS = new RegExp(`(?:SET DEFAULT ROLE\\b[^]*? (?:FOR|TO)|ALTER USER) (${ACCOUNT})`, 'i');

/**
 * Chooses from what the dump has of users.
 * @param accounts - of the target; undefined: nobody knows
 */
export function planGlobals(
  statements: readonly string[],
  accounts: ReadonlySet<string> | undefined,
): GlobalsPlan {
  const all = statements.map(readStatement);
  const named = all.flatMap(({ creates }) => creates ?? []);
  const creates = new Set(named.filter((name) => accounts?.has(name) === false));
  const wanted = all.filter(
    (each) =>
      (each.creates !== undefined && creates.has(each.creates)) ||
      (each.concerns.length > 0 && each.concerns.every((name) => creates.has(name))),
  );
  const kept = [...new Set(named.filter((name) => !creates.has(name)))];
  return {
    creates,
    run: wanted.filter(({ text }) => !ON_OBJECT.test(text)).map(({ text }) => text),
    onObjects: wanted.filter(({ text }) => ON_OBJECT.test(text)).map(({ text }) => text),
    leftOut:
      kept.length === 0 ? [] : [`${kept.length} users that the target has already: they stay as they are`],
  };
}

function readStatement(statement: string): Statement {
  const text = statement.replace(/^(?:\s|--[^\n]*\n)+/, '');
  const creates = CREATE.exec(text)?.[1];
  const concerned = (GRANTED.exec(text) ?? DEFAULTS.exec(text))?.[1];
  return {
    text,
    creates: creates === undefined ? undefined : nameOf(creates),
    concerns: concerned === undefined || /mariadb_dump_import_role/.test(text) ? [] : [nameOf(concerned)],
  };
}

function nameOf(account: string): string {
  const plain = account.replaceAll(/'((?:[^'\\]|\\.|'')*)'/g, (_, inner: string) =>
    backquoted(inner.replaceAll("''", "'")),
  );
  const { user, host } = accountOf(plain);
  return `${user}@${host}`;
}

/** Creates them. @throws HoldfastError LOAD_STATEMENT */
export async function runGlobals(
  { client }: Target,
  { run }: GlobalsPlan,
  signal: AbortSignal,
): Promise<void> {
  if (run.length === 0) return;
  const bytes = scriptOf(Buffer.from([SETTINGS, ...run.map((text) => `${text}\n`)].join(''), 'latin1'));
  await runScript(client, { what: 'users and their rights', bytes }, signal);
}

/**
 * Gives rights on tables and routines. Users of a server have them in other databases, too, which may not be here.
 * @returns those whose table or routine is not there
 * @throws HoldfastError LOAD_STATEMENT
 */
export async function grantOnObjects(
  { client }: Target,
  rights: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const left: string[] = [];
  for (const text of rights) {
    const bytes = scriptOf(Buffer.from(`${SETTINGS}${text}\n`, 'latin1'));
    try {
      await runScript(client, { what: 'rights of users', bytes }, signal);
    } catch (error) {
      if (!isHoldfastError(error, 'LOAD_STATEMENT') || !NOT_THERE.test(error.message)) throw error;
      left.push(text);
    }
  }
  return left;
}

/** No such database, column, table or routine: MariaDB manual, "MariaDB Error Code Reference". */
const NOT_THERE = /\bERROR (?:1049|1054|1146|1305)\b/;

const SETTINGS = "SET NAMES utf8mb4;\nSET SQL_MODE='';\n";

/** Takes back what a restore that failed has created. Best effort: one that something else depends on by now stays. */
export async function undoGlobals({ client }: Target, { creates }: GlobalsPlan): Promise<void> {
  const signal = AbortSignal.timeout(30_000);
  for (const name of creates) {
    const at = name.lastIndexOf('@');
    const [user, host] = [name.slice(0, at), name.slice(at + 1)];
    const sql =
      host === ''
        ? `DROP ROLE IF EXISTS ${backquoted(user)};\n`
        : `DROP USER IF EXISTS ${backquoted(user)}@${backquoted(host)};\n`;
    await runScript(client, { what: 'the users of the restore', bytes: scriptOf(sql) }, signal).catch(
      () => undefined,
    );
  }
}
