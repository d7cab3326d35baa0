/**
 * One consistent dump: several pg_dumps under one snapshot, and pg_dumpall for what belongs to the server.
 *
 * All are started at once: they read the catalogue at the same time, and take their table locks within the
 * same moment. (Were one started later, a migration waiting for its lock in between would block it, and it the
 * migration, until the first one ended.)
 */
import { cleanScript } from '../../rows/pg-script.ts';
import { splitData } from '../../rows/pg-data.ts';
import type { DumpStream } from '../source.ts';
import type { PgConnection } from './connection.ts';
import { startTool, type RunningTool } from '../tool.ts';
import { tablesMissing, toolDied } from './errors.ts';
import { patternOf, type SizedTable } from './share-out.ts';
import type { PgTools } from './tools.ts';

export interface DumpPlan {
  readonly connection: PgConnection;
  readonly tools: PgTools;
  readonly snapshot: string;
  /** Of the text: `UTF8` or, for databases without one, `SQL_ASCII`. */
  readonly encoding: string;
  /** False leaves the roles' passwords out, for roles that may not read them. */
  readonly rolePasswords: boolean;
  /** The tables of each data lane but the first, which has everything else. */
  readonly shares: readonly (readonly SizedTable[])[];
}

export interface RunningDump {
  /** globals and pre-data; the data, in one or more lanes; post-data. */
  readonly lanes: readonly AsyncIterable<DumpStream>[];
  /** Ends all tools, whether or not they were done. Never throws. */
  stop(): Promise<void>;
}

/** How long to wait for table locks, in milliseconds: longer than any statement, shorter than a migration. */
const LOCK_WAIT = 60_000;

/**
 * Starts all tools of a dump.
 * @throws HoldfastError CANCELLED; the lanes throw PG_DUMP_DIED or what stderr tells (PG_LOCKED, …),
 *   DUMP_INCOMPLETE, SQL_META_COMMAND and the like
 */
export function startDump(plan: DumpPlan, signal: AbortSignal): RunningDump {
  const tools: RunningTool[] = [];
  const start = (tool: RunningTool): AsyncIterable<Buffer> => {
    tools.push(tool);
    return tool.bytes;
  };
  const moved = plan.shares.flat();
  const preData = start(pgDump(plan, 'pre-data', [], signal));
  const rest = start(pgDump(plan, 'data', moved.map(but), signal));
  const shares = plan.shares.map((tables) => ({
    tables,
    bytes: start(pgDump(plan, 'data', ['--strict-names', ...tables.map(only)], signal)),
  }));
  const globals = start(globalsOf(plan, signal));
  const postData = start(pgDump(plan, 'post-data', [], signal));
  return {
    lanes: [
      scripts({ globals, 'pre-data': preData }),
      data(rest, 1),
      ...shares.map(({ tables, bytes }, at) => whole(data(bytes, at + 2), tables)),
      scripts({ 'post-data': postData }),
    ],
    stop: async () => {
      await Promise.all(tools.map((tool) => tool.stop()));
    },
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- the port wants an asynchronous iteration
async function* scripts(
  parts: Partial<Record<'globals' | 'pre-data' | 'post-data', AsyncIterable<Buffer>>>,
): AsyncIterable<DumpStream> {
  for (const [name, bytes] of Object.entries(parts) as ['pre-data', AsyncIterable<Buffer>][]) {
    const state = { isRead: false };
    const checked = async function* (): AsyncIterable<Buffer> {
      yield* cleanScript(bytes, name);
      state.isRead = true;
    };
    yield { name, section: name, dialect: 'sql', bytes: checked() };
    // Only a whole reading has seen the tool's exit code.
    if (!state.isRead) throw new Error(`${name} was not read to its end`);
  }
}

async function* data(bytes: AsyncIterable<Buffer>, lane: number): AsyncIterable<DumpStream> {
  for await (const part of splitData(bytes, { lane })) yield { section: 'data', ...part };
}

/** What every pg_dump writes, and what the first lane has already: `-t` brings the sequences that a table owns. */
const REPEATED = /^(data-settings|sequences)@/;

/** Passes the tables of a lane on and counts them: what was taken out of the first lane must be here. */
async function* whole(
  streams: AsyncIterable<DumpStream>,
  tables: readonly SizedTable[],
): AsyncIterable<DumpStream> {
  let seen = 0;
  for await (const stream of streams) {
    if (stream.table !== undefined) seen += 1;
    if (REPEATED.test(stream.name)) await Array.fromAsync(stream.bytes, () => undefined);
    else yield stream;
  }
  if (seen !== tables.length) throw tablesMissing(tables.length, seen);
}

function but(table: SizedTable): string {
  return `--exclude-table-data=${patternOf(table)}`;
}

function only(table: SizedTable): string {
  return `--table=${patternOf(table)}`;
}

function pgDump(
  plan: DumpPlan,
  section: 'pre-data' | 'data' | 'post-data',
  choice: readonly string[],
  signal: AbortSignal,
): RunningTool {
  const { connection, tools, snapshot, encoding } = plan;
  const args = [
    `--dbname=${connection.libpqUrl}`,
    '--no-password',
    `--snapshot=${snapshot}`,
    `--section=${section}`,
    `--encoding=${encoding}`,
    `--lock-wait-timeout=${LOCK_WAIT}`,
    ...choice,
  ];
  // The other sections are small, so the size of their pieces does not matter.
  const command =
    section === 'data' && tools.stdbuf !== undefined
      ? { file: tools.stdbuf, args: ['-o64K', tools.pgDump, ...args] }
      : { file: tools.pgDump, args };
  return startTool({ name: `pg_dump (${section})`, ...command, env: connection.env, died: toolDied }, signal);
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
    { name: 'pg_dumpall (globals)', file: tools.pgDumpall, args, env: connection.env, died: toolDied },
    signal,
  );
}
