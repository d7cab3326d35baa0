/**
 * What a statement of pg_dump is about, as far as a restore has to know: enough to leave out owners, to know which
 * roles are needed, and to see which statements may run side by side. Everything else is `other`.
 *
 * Only the forms that pg_dump writes are understood (src/bin/pg_dump/pg_dump.c of PostgreSQL 10 to 18).
 */
import {
  isSymbol,
  isWord,
  nameKey,
  TokenReader,
  tokensOf,
  type NameParts,
  type Token,
} from './load-names.ts';

/** Tables and indexes are given as keys (see nameKey); roles and extensions as plain names. */
export type Statement =
  /** SET, RESET, or SELECT set_config(…): `variable` in lower case, `value` without quotes. */
  | { readonly kind: 'setting'; readonly variable: string; readonly value: string }
  /** ALTER … OWNER TO, GRANT, REVOKE, ALTER DEFAULT PRIVILEGES. */
  | { readonly kind: 'owner' | 'grant' | 'default-privileges'; readonly roles: readonly string[] }
  /** CREATE INDEX. `calls`: it may call a function of the user, which may read other tables. */
  | { readonly kind: 'index'; readonly index: string; readonly table: string; readonly calls: boolean }
  /** ADD CONSTRAINT PRIMARY KEY, UNIQUE or EXCLUDE. `index`: the index that it makes. */
  | { readonly kind: 'key'; readonly index: string; readonly table: string; readonly calls: boolean }
  | {
      readonly kind: 'foreign-key';
      readonly table: string;
      readonly references: string;
      readonly constraint: string;
    }
  | { readonly kind: 'attach-index'; readonly parent: string; readonly child: string }
  | { readonly kind: 'attach-partition'; readonly parent: string; readonly child: string }
  /** CLUSTER ON and REPLICA IDENTITY: cheap, but only after the index they name. */
  | { readonly kind: 'table-option'; readonly table: string }
  | { readonly kind: 'comment-on-index'; readonly index: string }
  | { readonly kind: 'comment-on-constraint'; readonly constraint: string; readonly table: string }
  | { readonly kind: 'refresh'; readonly view: string }
  /** Statements that name roles for another purpose than owning. */
  | { readonly kind: 'policy' | 'user-mapping'; readonly roles: readonly string[] }
  | { readonly kind: 'extension'; readonly name: string }
  | { readonly kind: 'other' };

const OTHER: Statement = { kind: 'other' };

/** Reads a statement of a dump. Never throws: what is not understood is `other`. */
export function readStatement(sql: string): Statement {
  const lead = firstWords(sql);
  if (lead.startsWith('CREATE ') && !/^CREATE (UNIQUE|INDEX|POLICY|EXTENSION|USER)\b/.test(lead))
    return OTHER;
  if (!/^(ALTER|COMMENT|CREATE|GRANT|REFRESH|RESET|REVOKE|SELECT|SET)\b/.test(lead)) return OTHER;
  const tokens = [...tokensOf(sql)].filter((token) => !isSymbol(token, ';'));
  const reader = new TokenReader(tokens);
  return readers(reader, tokens) ?? OTHER;
}

function readers(reader: TokenReader, tokens: readonly Token[]): Statement | undefined {
  if (reader.take('SET') || reader.take('RESET')) return setting(tokens);
  if (reader.take('SELECT')) return setConfig(tokens);
  if (reader.take('GRANT')) return { kind: 'grant', roles: rolesAfter(reader, 'TO') };
  if (reader.take('REVOKE')) return { kind: 'grant', roles: rolesAfter(reader, 'FROM') };
  if (reader.take('REFRESH', 'MATERIALIZED', 'VIEW')) return view(reader);
  if (reader.take('COMMENT', 'ON')) return comment(reader);
  if (reader.take('CREATE')) return created(reader);
  if (reader.take('ALTER', 'DEFAULT', 'PRIVILEGES')) return defaultPrivileges(reader);
  if (reader.take('ALTER')) return owner(tokens) ?? altered(reader);
  return undefined;
}

function setting(tokens: readonly Token[]): Statement | undefined {
  const session = isWord(tokens[1], 'SESSION') && isWord(tokens[2], 'AUTHORIZATION');
  if (session) return { kind: 'setting', variable: 'session authorization', value: textOf(tokens.slice(3)) };
  const variable = tokens[1];
  if (variable === undefined || isWord(variable, 'LOCAL') || isWord(variable, 'SESSION')) return undefined;
  const assigns = isSymbol(tokens[2], '=') || isWord(tokens[2], 'TO');
  if (!assigns && isWord(tokens[0], 'SET')) return undefined;
  return { kind: 'setting', variable: variable.text.toLowerCase(), value: textOf(tokens.slice(3)) };
}

/** `SELECT pg_catalog.set_config('search_path', '', false)`: how pg_dump sets the search path. */
function setConfig(tokens: readonly Token[]): Statement | undefined {
  const [, schema, dot, name, open, variable, comma, value, , local, close] = tokens;
  const isCall = isWord(schema, 'PG_CATALOG') && isSymbol(dot, '.') && isWord(name, 'SET_CONFIG');
  if (!isCall || !isSymbol(open, '(') || !isSymbol(comma, ',') || !isSymbol(close, ')')) return undefined;
  if (tokens.length !== 11 || variable?.kind !== 'literal' || value?.kind !== 'literal') return undefined;
  if (!isWord(local, 'FALSE')) return undefined;
  return { kind: 'setting', variable: valueOf(variable).toLowerCase(), value: valueOf(value) };
}

function owner(tokens: readonly Token[]): Statement | undefined {
  const [first, second, role] = tokens.slice(-3);
  if (!isWord(first, 'OWNER') || !isWord(second, 'TO') || role === undefined) return undefined;
  return { kind: 'owner', roles: roleNames([role]) };
}

/** `FOR ROLE a IN SCHEMA s GRANT … TO b`, or `REVOKE … FROM b`. */
function defaultPrivileges(reader: TokenReader): Statement {
  const of = reader.take('FOR', 'ROLE') || reader.take('FOR', 'USER') ? roleNames(reader.rest()) : [];
  const rest = reader.rest();
  const given = rolesAfter(new TokenReader(rest), 'TO');
  const taken = rolesAfter(new TokenReader(rest), 'FROM');
  return { kind: 'default-privileges', roles: [...of, ...given, ...taken] };
}

function view(reader: TokenReader): Statement | undefined {
  reader.take('CONCURRENTLY');
  return keyed(reader.name(), (key) => ({ kind: 'refresh', view: key }));
}

function comment(reader: TokenReader): Statement | undefined {
  if (reader.take('INDEX')) return keyed(reader.name(), (key) => ({ kind: 'comment-on-index', index: key }));
  if (!reader.take('CONSTRAINT')) return undefined;
  const constraint = reader.name();
  if (constraint === undefined || !reader.take('ON') || isWord(reader.peek(), 'DOMAIN')) return undefined;
  return keyed(reader.name(), (table) => ({
    kind: 'comment-on-constraint',
    constraint: nameKey(constraint),
    table,
  }));
}

function created(reader: TokenReader): Statement | undefined {
  if (reader.take('INDEX') || reader.take('UNIQUE', 'INDEX')) return index(reader);
  if (reader.take('POLICY')) return policy(reader);
  if (reader.take('USER', 'MAPPING', 'FOR')) {
    return { kind: 'user-mapping', roles: roleNames(reader.rest()) };
  }
  if (!reader.take('EXTENSION')) return undefined;
  reader.take('IF', 'NOT', 'EXISTS');
  const name = reader.name()?.[0];
  return name === undefined ? undefined : { kind: 'extension', name };
}

function index(reader: TokenReader): Statement | undefined {
  const name = reader.name();
  if (name === undefined || !reader.take('ON')) return undefined;
  reader.take('ONLY');
  const table = reader.name();
  if (table === undefined) return undefined;
  const calls = callsUserCode(reader.rest());
  return { kind: 'index', index: nameKey(besides(table, name)), table: nameKey(table), calls };
}

/** `CREATE POLICY p ON t [AS …] [FOR …] [TO a, b] [USING …] [WITH CHECK …]`. */
function policy(reader: TokenReader): Statement | undefined {
  if (reader.name() === undefined || !reader.take('ON') || reader.name() === undefined) return undefined;
  const options = new TokenReader(beforeCondition(reader.rest()));
  return { kind: 'policy', roles: options.seek('TO') ? roleNames(options.rest()) : [] };
}

function beforeCondition(tokens: readonly Token[]): readonly Token[] {
  const end = tokens.findIndex((token) => isWord(token, 'USING') || isWord(token, 'WITH'));
  return end === -1 ? tokens : tokens.slice(0, end);
}

function altered(reader: TokenReader): Statement | undefined {
  if (reader.take('INDEX')) return attachIndex(reader);
  if (!reader.take('TABLE')) return undefined;
  reader.take('ONLY');
  const table = reader.name();
  if (table === undefined) return undefined;
  if (reader.take('ADD', 'CONSTRAINT')) return constraint(reader, table);
  if (reader.take('ATTACH', 'PARTITION')) {
    return keyed(reader.name(), (child) => ({ kind: 'attach-partition', parent: nameKey(table), child }));
  }
  const isOption = reader.take('CLUSTER', 'ON') || reader.take('REPLICA', 'IDENTITY');
  return isOption ? { kind: 'table-option', table: nameKey(table) } : undefined;
}

function attachIndex(reader: TokenReader): Statement | undefined {
  const parent = reader.name();
  if (parent === undefined || !reader.take('ATTACH', 'PARTITION')) return undefined;
  return keyed(reader.name(), (child) => ({ kind: 'attach-index', parent: nameKey(parent), child }));
}

function constraint(reader: TokenReader, table: NameParts): Statement | undefined {
  const name = reader.name();
  if (name === undefined) return undefined;
  const isKey = reader.take('PRIMARY', 'KEY') || reader.take('UNIQUE') || reader.take('EXCLUDE');
  if (isKey) {
    const calls = callsUserCode(reader.rest());
    return { kind: 'key', index: nameKey(besides(table, name)), table: nameKey(table), calls };
  }
  if (!reader.take('FOREIGN', 'KEY') || !reader.seek('REFERENCES')) return undefined;
  return keyed(reader.name(), (references) => ({
    kind: 'foreign-key',
    table: nameKey(table),
    references,
    constraint: nameKey(name),
  }));
}

/** An index lives in the schema of its table. */
function besides(table: NameParts, index: NameParts): NameParts {
  return [...table.slice(0, -1), ...index.slice(-1)];
}

/** A dump has an empty search path, so what a user made is called with its schema: `schema.name(`. */
function callsUserCode(tokens: readonly Token[]): boolean {
  return tokens.some((token, at) => {
    const isCall = isSymbol(token, '(') && isSymbol(tokens[at - 2], '.');
    return isCall && !isWord(tokens[at - 3], 'PG_CATALOG');
  });
}

function keyed(name: NameParts | undefined, make: (key: string) => Statement): Statement | undefined {
  return name === undefined ? undefined : make(nameKey(name));
}

/** The roles after the last such key word, because the name of what is granted may hold one too. */
function rolesAfter(reader: TokenReader, word: 'TO' | 'FROM'): readonly string[] {
  let roles: readonly string[] = [];
  while (reader.seek(word)) roles = roleNames(reader.rest());
  return roles;
}

const NO_ROLES = new Set(['PUBLIC', 'CURRENT_USER', 'CURRENT_ROLE', 'SESSION_USER']);

/** A comma-separated list of roles; ends at the first thing that is none. */
function roleNames(tokens: readonly Token[]): readonly string[] {
  const reader = new TokenReader(tokens);
  const roles: string[] = [];
  do {
    reader.take('GROUP');
    const token = reader.peek();
    const role = reader.name()?.[0];
    if (role === undefined) break;
    if (token?.kind === 'name' || !NO_ROLES.has(role.toUpperCase())) roles.push(role);
  } while (isSymbol(reader.next(), ','));
  return roles;
}

function textOf(tokens: readonly Token[]): string {
  return tokens.map(valueOf).join('');
}

/** pg_dump writes the values of settings as plain literals. */
function valueOf(token: Token): string {
  return token.kind === 'literal' ? token.text.slice(1, -1).replaceAll("''", "'") : token.text;
}

/** The first words in capitals: enough to see that a long function body need not be read. */
function firstWords(sql: string): string {
  return sql.slice(0, 40).toUpperCase().replaceAll(/\s+/g, ' ');
}
