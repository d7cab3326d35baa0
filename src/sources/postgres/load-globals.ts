/**
 * Roles and tablespaces of the source that the target lacks. What exists on the target is never touched: a role of
 * the same name there may be someone else.
 */
import { nameKey, TokenReader, tokensOf, isSymbol, isWord, quoteName } from './load-names.ts';
import type { PlacedStatement } from './load-survey.ts';

export interface GlobalsPlan {
  /** What to run, in order. */
  readonly run: readonly PlacedStatement[];
  readonly roles: ReadonlySet<string>;
  readonly tablespaces: ReadonlySet<string>;
  readonly leftOut: readonly string[];
}

/** What a statement of the globals changes. */
interface Change {
  readonly kind: 'role' | 'tablespace';
  readonly name: string;
  readonly creates: boolean;
}

/**
 * Decides which statements of a globals stream to run.
 * @param existing - roles and tablespaces of the target
 * @param rolesOnly - tablespaces are left out: they are folders anywhere on the server's disk
 */
export function planGlobals(
  statements: readonly PlacedStatement[],
  existing: { readonly roles: ReadonlySet<string>; readonly tablespaces: ReadonlySet<string> },
  rolesOnly = false,
): GlobalsPlan {
  const made = { role: new Set<string>(), tablespace: new Set<string>() };
  const there = { role: existing.roles, tablespace: existing.tablespaces };
  const run: PlacedStatement[] = [];
  const leftOut = new Set<string>();
  for (const each of statements) {
    if (each.statement.kind === 'setting') {
      run.push(each);
      continue;
    }
    const change = readChange(each.sql.toString('utf8'));
    if (change === undefined) {
      leftOut.add(
        `a statement of ${each.place.stream}, line ${each.place.line}: not about roles or tablespaces`,
      );
      continue;
    }
    const { kind, name, creates } = change;
    if (rolesOnly && kind === 'tablespace') {
      leftOut.add(`tablespace ${name}`);
      continue;
    }
    if (creates && !there[kind].has(name)) made[kind].add(name);
    if (made[kind].has(name)) run.push(each);
    else if (there[kind].has(name)) leftOut.add(`${kind} ${name}: the target has one, left as it is`);
  }
  return { run, roles: made.role, tablespaces: made.tablespace, leftOut: [...leftOut] };
}

/** Statements that take back what a plan made, best effort, newest first. */
export function undoGlobals(plan: GlobalsPlan): readonly string[] {
  return [
    ...[...plan.tablespaces].reverse().map((name) => `DROP TABLESPACE IF EXISTS ${quoteName(name)}`),
    ...[...plan.roles].reverse().map((name) => `DROP ROLE IF EXISTS ${quoteName(name)}`),
  ];
}

function readChange(sql: string): Change | undefined {
  const reader = new TokenReader([...tokensOf(sql)]);
  const creates = reader.take('CREATE');
  const about = creates || reader.take('ALTER') || reader.take('COMMENT', 'ON');
  if (!about) return reader.take('GRANT') ? granted(reader) : undefined;
  const kind = reader.take('TABLESPACE') ? 'tablespace' : roleWord(reader) ? 'role' : undefined;
  const name = kind === undefined ? undefined : reader.name();
  if (kind === undefined || name === undefined || reader.take('IN', 'DATABASE')) return undefined;
  return { kind, name: name[0] ?? nameKey(name), creates };
}

function roleWord(reader: TokenReader): boolean {
  return reader.take('ROLE') || reader.take('USER') || reader.take('GROUP');
}

/** A membership belongs to the member, a right on a tablespace to the tablespace, any other right to who gets it. */
function granted(reader: TokenReader): Change | undefined {
  const rest = reader.rest();
  const tablespace = rest.findIndex((token, at) => isWord(token, 'TABLESPACE') && isWord(rest[at - 1], 'ON'));
  if (tablespace !== -1) {
    const name = new TokenReader(rest.slice(tablespace + 1)).name()?.[0];
    return name === undefined ? undefined : { kind: 'tablespace', name, creates: false };
  }
  if (!reader.seek('TO')) return undefined;
  const name = reader.name()?.[0];
  if (name === undefined || isSymbol(reader.peek(), ',')) return undefined;
  return { kind: 'role', name, creates: false };
}
