/**
 * One dump by the server's own tool. The rows are those of one transaction, in one run; what the tables are made of is read
 * before and after that run, and must be the same, since no transaction holds it.
 */
import { DATA_END, splitMysqlData } from '../../rows/mysql-dump.ts';
import type { Schema } from '../schema.ts';
import type { DumpStream } from '../source.ts';
import { startTool } from '../tool.ts';
import type { RunningTool, ToolCommand } from '../tool.ts';
import { schemaChanged, toolDied } from './errors.ts';
import { emptyTables } from './empty-tables.ts';
import type { MysqlTable } from './facts.ts';
import type { Flavour } from './flavour.ts';
import { OPTION_FILE } from './option-file.ts';
import type { OptionFile } from './option-file.ts';
import { alteredTables, sequenceValues } from './definitions.ts';
import type { Tool } from './tools.ts';

export interface DumpPlan {
  readonly tool: Tool;
  /** See `findStdbuf`. */
  readonly stdbuf: string | undefined;
  readonly options: OptionFile;
  readonly env: NodeJS.ProcessEnv;
  /** The server's. */
  readonly flavour: Flavour;
  readonly database: string;
  readonly display: string;
  readonly tables: readonly MysqlTable[];
  readonly schema: Schema;
  /** Users and rights, as SQL; undefined: the user may not read them. */
  readonly globals: string | undefined;
}

export interface RunningDump {
  readonly lanes: readonly AsyncIterable<DumpStream>[];
  /** Ends the tool, whether or not it was done. Never throws. */
  stop(): Promise<void>;
}

/** Nothing that the user of this machine has set in an option file changes a dump. */
const COMMON = [
  '--single-transaction',
  '--quick',
  '--hex-blob',
  '--default-character-set=utf8mb4',
  '--tz-utc',
  '--no-tablespaces',
  '--skip-dump-date',
  '--skip-add-drop-table',
  '--skip-add-locks',
  '--skip-disable-keys',
  '--max-allowed-packet=1G',
];
/** What only MySQL's own tool knows, and would do unasked. */
const MYSQL_ONLY = ['--column-statistics=0', '--set-gtid-purged=OFF'];

/**
 * Starts a dump: one lane, since one transaction is one connection.
 * @throws the lane throws MYSQL_DUMP_DIED (or what stderr tells), MYSQL_SCHEMA_CHANGED, DUMP_INCOMPLETE, SQL_UNPLACEABLE
 */
export function startDump(plan: DumpPlan, signal: AbortSignal): RunningDump {
  const running = new Set<RunningTool>();
  const run = (name: string, args: readonly string[]): AsyncIterable<Buffer> => {
    const tool = startTool(command(plan, name, args), signal);
    running.add(tool);
    return tool.bytes;
  };
  return {
    lanes: [streams(plan, run)],
    stop: async () => {
      await Promise.all([...running].map((tool) => tool.stop()));
    },
  };
}

/**
 * Rows that were there before their CHECK was, or that came while checks were off, are rows: they come back in a plain
 * client, too. MySQL has no such setting, and takes no dump of MariaDB.
 */
const WITHOUT_CHECKS: Readonly<Record<Flavour, string>> = {
  mariadb: 'SET check_constraint_checks=0;\n',
  mysql: '',
};

/** What the run is called that reads them. */
const ROWS = 'rows';

type Run = (name: string, args: readonly string[]) => AsyncIterable<Buffer>;

async function* streams(plan: DumpPlan, run: Run): AsyncIterable<DumpStream> {
  const { database, schema, tables, globals, display } = plan;
  const views = tables.filter(({ type }) => type === 'VIEW').map(({ name }) => name);
  const ignored = views.map((name) => `--ignore-table=${database}.${name}`);
  // A name may begin with a dash.
  const names = ['--', database];
  const definitions = () =>
    textOf(run('definitions', ['--no-data', '--skip-triggers', ...ignored, ...names]));
  if (globals !== undefined) yield script('globals', globals);
  const before = await definitions();
  yield script('pre-data', before + WITHOUT_CHECKS[plan.flavour]);
  const data = run(ROWS, [
    ...[
      '--no-create-info',
      '--skip-triggers',
      '--extended-insert',
      '--complete-insert',
      '--order-by-primary',
    ],
    ...[...ignored, ...names],
  ]);
  const seen = new Set<string>();
  for await (const part of splitMysqlData(data)) {
    if (part.name === DATA_END) yield* emptyTables(schema, tables, seen);
    if (part.table) seen.add(part.table.name);
    yield { section: 'data', ...part };
  }
  const after = await definitions();
  const altered = alteredTables(before, after);
  if (altered !== undefined) throw schemaChanged(display, altered);
  const code = [
    '--no-data',
    '--no-create-info',
    '--triggers',
    '--routines',
    '--events',
    ...ignored,
    ...names,
  ];
  const routines = await textOf(run('routines, triggers and events', code));
  const viewText =
    views.length === 0
      ? ''
      : await textOf(run('views', ['--no-data', '--skip-triggers', ...names, ...views]));
  yield script('post-data', sequenceValues(after) + routines + viewText);
}

function script(name: 'globals' | 'pre-data' | 'post-data', text: string): DumpStream {
  return { name, section: name, dialect: 'sql', bytes: once(text) };
}

// eslint-disable-next-line @typescript-eslint/require-await -- the port wants an asynchronous iteration
async function* once(text: string): AsyncIterable<Buffer> {
  if (text !== '') yield Buffer.from(text, 'latin1');
}

/** Latin-1 in, Latin-1 out: whatever the bytes are, they stay. */
async function textOf(bytes: AsyncIterable<Buffer>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(bytes)).toString('latin1');
}

function command(
  { tool, stdbuf, options, env }: DumpPlan,
  name: string,
  args: readonly string[],
): ToolCommand {
  const own = tool.version.flavour === 'mysql' ? MYSQL_ONLY : [];
  const all = [OPTION_FILE, ...COMMON, ...own, ...args];
  const buffered =
    name === ROWS && stdbuf !== undefined
      ? { file: stdbuf, args: ['-o64K', tool.file, ...all] }
      : { file: tool.file, args: all };
  return {
    name: `${tool.name} (${name})`,
    ...buffered,
    env,
    optionFile: options.fd,
    died: toolDied,
  };
}
