/**
 * One consistent dump: pg_dump three times (pre-data, data, post-data) under one snapshot, and pg_dumpall for
 * what belongs to the server.
 *
 * All are started at once: they read the catalogue at the same time, and take their table locks within the
 * same moment. (Were one started later, a migration waiting for its lock in between would block it, and it the
 * migration, until the first one ended.)
 */
import { cleanScript } from '../../rows/pg-script.ts';
import { splitData } from '../../rows/pg-data.ts';
import type { DumpStream } from '../source.ts';
import type { PgConnection } from './connection.ts';
import { readAhead } from './read-ahead.ts';
import { startTool, type RunningTool } from './process.ts';
import type { PgTools } from './tools.ts';

export interface DumpPlan {
  readonly connection: PgConnection;
  readonly tools: PgTools;
  readonly snapshot: string;
  /** Of the text: `UTF8` or, for databases without one, `SQL_ASCII`. */
  readonly encoding: string;
  /** False leaves the roles' passwords out, for roles that may not read them. */
  readonly rolePasswords: boolean;
}

/** How long to wait for table locks, in milliseconds: longer than any statement, shorter than a migration. */
const LOCK_WAIT = 60_000;

/** Bytes of a section that are read before its turn has come, so that its tool can end early. */
const AHEAD = 8 * 1024 * 1024;

/**
 * The streams of a dump in order: globals, pre-data, the parts of the data, post-data.
 * @throws HoldfastError PG_DUMP_DIED and what stderr tells (PG_LOCKED, …), DUMP_INCOMPLETE, SQL_META_COMMAND, …
 */
export async function* dumpStreams(plan: DumpPlan, signal: AbortSignal): AsyncIterable<DumpStream> {
  const tools: RunningTool[] = [];
  const start = (tool: RunningTool): AsyncIterable<Buffer> => {
    tools.push(tool);
    return tool.bytes;
  };
  try {
    const preData = start(pgDump(plan, 'pre-data', signal));
    const data = start(pgDump(plan, 'data', signal));
    const globals = readAhead(start(globalsOf(plan, signal)), AHEAD);
    const postData = readAhead(start(pgDump(plan, 'post-data', signal)), AHEAD);
    yield* script('globals', globals);
    yield* script('pre-data', preData);
    for await (const part of splitData(data)) yield { section: 'data', ...part };
    yield* script('post-data', postData);
  } finally {
    await Promise.all(tools.map((tool) => tool.stop()));
  }
}

function* script(
  name: 'globals' | 'pre-data' | 'post-data',
  bytes: AsyncIterable<Buffer>,
): Iterable<DumpStream> {
  const state = { isRead: false };
  const checked = async function* (): AsyncIterable<Buffer> {
    yield* cleanScript(bytes, name);
    state.isRead = true;
  };
  yield { name, section: name, dialect: 'sql', bytes: checked() };
  // Only a whole reading has seen the tool's exit code.
  if (!state.isRead) throw new Error(`${name} was not read to its end`);
}

function pgDump(plan: DumpPlan, section: string, signal: AbortSignal): RunningTool {
  const { connection, tools, snapshot, encoding } = plan;
  const args = [
    `--dbname=${connection.libpqUrl}`,
    '--no-password',
    `--snapshot=${snapshot}`,
    `--section=${section}`,
    `--encoding=${encoding}`,
    `--lock-wait-timeout=${LOCK_WAIT}`,
  ];
  const name = `pg_dump (${section})`;
  // The rest of the output is small, so its buffer does not matter.
  const wrapped = section === 'data' && tools.stdbuf !== undefined;
  const command = wrapped
    ? { file: tools.stdbuf, args: ['-o64K', tools.pgDump, ...args] }
    : { file: tools.pgDump, args };
  return startTool({ name, ...command, env: connection.env }, signal);
}

/** `--database`: asks the database that we may connect to, where the tool would try `postgres`. */
function globalsOf(
  { connection, tools, rolePasswords, encoding }: DumpPlan,
  signal: AbortSignal,
): RunningTool {
  const args = [
    `--dbname=${connection.libpqUrl}`,
    `--database=${connection.database}`,
    '--no-password',
    '--globals-only',
    `--encoding=${encoding}`,
    ...(rolePasswords ? [] : ['--no-role-passwords']),
  ];
  return startTool(
    { name: 'pg_dumpall (globals)', file: tools.pgDumpall, args, env: connection.env },
    signal,
  );
}
