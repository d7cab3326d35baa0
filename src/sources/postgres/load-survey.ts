/** What the DDL of a dump needs from a server, found by reading it. */
import { throwIfCancelled } from '../../errors.ts';
import { splitSql } from '../../rows/sql.ts';
import type { DumpReader, StoredStream } from '../source.ts';
import type { LoadPlace } from './load-errors.ts';
import { partitionsFrom, type Partitions } from './load-partitions.ts';
import { readStatement, type Statement } from './load-statement.ts';

export interface Survey {
  /** Roles that own something or are granted something. */
  readonly owners: ReadonlySet<string>;
  /** Roles that policies and user mappings name: needed even without owners. */
  readonly named: ReadonlySet<string>;
  readonly extensions: ReadonlySet<string>;
  readonly tablespaces: ReadonlySet<string>;
  readonly partitions: Partitions;
}

/** A statement of the dump with its place and what it is about. */
export interface PlacedStatement {
  readonly sql: Buffer;
  readonly place: LoadPlace;
  readonly statement: Statement;
}

/**
 * The statements of a stream. A psql command is refused: a stored dump has none, not even pg_dump's own `\restrict`.
 * @throws HoldfastError SQL_META_COMMAND, SQL_UNPLACEABLE, SQL_UNTERMINATED, SQL_TOO_LONG
 */
export async function* statementsOf(
  dump: DumpReader,
  stream: StoredStream,
  signal: AbortSignal,
): AsyncGenerator<PlacedStatement> {
  for await (const { bytes, line } of splitSql(dump.read(stream, signal), { name: stream.name })) {
    throwIfCancelled(signal);
    const statement = readStatement(bytes.toString('utf8'));
    yield { sql: bytes, place: { stream: stream.name, line }, statement };
  }
}

/** The streams of a section that are SQL, in order. */
export function scripts(dump: DumpReader, section: StoredStream['section']): readonly StoredStream[] {
  return dump.streams.filter((stream) => stream.section === section && stream.dialect === 'sql');
}

/**
 * Reads pre-data and post-data once, to their ends, so that a dump that cannot be loaded is refused before anything
 * is made.
 */
export async function surveyDump(dump: DumpReader, signal: AbortSignal): Promise<Survey> {
  const owners = new Set<string>();
  const named = new Set<string>();
  const extensions = new Set<string>();
  const tablespaces = new Set<string>();
  const attached: { readonly parent: string; readonly child: string }[] = [];
  const look = (statement: Statement): void => {
    if ('roles' in statement) {
      const needed = statement.kind === 'policy' || statement.kind === 'user-mapping' ? named : owners;
      for (const role of statement.roles) needed.add(role);
    } else if (statement.kind === 'extension') extensions.add(statement.name);
    else if (statement.kind === 'attach-partition') attached.push(statement);
    else if (statement.kind === 'setting') {
      const { variable, value } = statement;
      if (variable === 'default_tablespace' && value !== '') tablespaces.add(value);
      if (variable === 'session authorization' && value.toLowerCase() !== 'default') owners.add(value);
    }
  };
  for (const stream of [...scripts(dump, 'pre-data'), ...scripts(dump, 'post-data')]) {
    for await (const { statement } of statementsOf(dump, stream, signal)) look(statement);
  }
  return { owners, named, extensions, tablespaces, partitions: partitionsFrom(attached) };
}
