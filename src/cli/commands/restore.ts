/** `holdfast restore`: a snapshot into a new database or file. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { databaseUrlProblem, isDatabase, resolveSourceUrl } from '../../config/source-url.ts';
import type { LoadOptions, SourceKind } from '../../sources/source.ts';
import type { RestorePlan } from '../../restore/restore.ts';
import type { SnapshotName } from '../../restore/select.ts';
import type { CliContext } from '../context.ts';
import { formatAge, formatBytes, formatCount, formatDuration, formatPlural } from '../format.ts';
import { mustFitPaths } from '../paths.ts';
import { parseSnapshotName, repeated, wholeNumber, withCopy, withReaderKey } from '../options.ts';
import { withExamples } from '../program.ts';
import { openSnapshot } from '../snapshot.ts';
import type { OpenedSnapshot, OpenSnapshotOptions } from '../snapshot.ts';
import { withSuppression } from '../suppression.ts';
import { openLoader } from '../wiring.ts';

const JOBS_DEFAULT = 2;

interface RestoreFlags extends OpenSnapshotOptions {
  readonly to?: string;
  readonly table: readonly string[];
  readonly path: readonly string[];
  readonly jobs: number;
  readonly dryRun?: boolean;
  readonly globals?: boolean;
  readonly owner: boolean;
}

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('restore')
    .argument('<SET[@WHEN]>', 'the snapshot; the latest when WHEN is left out', parseSnapshotName)
    .description('load a snapshot into a new database or file; never over anything')
    .option(
      '--to <URL|PATH>',
      'new database URL, database file, folder, or .sql or .tar file (default: a new name beside the source)',
    )
    .option('-t, --table <TABLE>', 'load the rows of this table only; may be repeated', repeated, [])
    .option('-p, --path <PATH>', 'of files: only this path, and all below it; may be repeated', repeated, [])
    .option('-j, --jobs <N>', 'parallel sessions', wholeNumber(1, 64), JOBS_DEFAULT)
    .option('-n, --dry-run', 'show what would be done, how much, how long, and what is missing on the target')
    .option('--globals', 'also create users, roles and tablespaces that the target lacks')
    .option('--no-owner', 'leave out ownership and grants')
    .option('--accept-rollback', 'go on although the store shows less than this machine has seen')
    .action((name: SnapshotName, flags: RestoreFlags) => restore(context, name, flags));
  withExamples(withSuppression(withCopy(withReaderKey(command))), [
    ['holdfast restore shop --key ops.key', 'the latest, into a new database'],
    ['holdfast restore shop@2026-11-20 --to postgres://db2/shop_old --key ops.key', 'a day, to a place'],
    ['holdfast restore shop --to shop.sql --key ops.key', 'as plain SQL'],
    ['holdfast restore shop --copy offsite --key ops.key', 'when the store itself is gone'],
  ]);
}

async function restore(context: CliContext, name: SnapshotName, flags: RestoreFlags): Promise<void> {
  await using opened = await openSnapshot(context, name, flags);
  const to = flags.to ?? (await defaultTarget(context, opened));
  const kind = opened.reader.source.kind;
  if (/^[a-z]+:\/\/[^/@]*:[^/@]+@/.test(flags.to ?? '')) {
    const better = kind === 'mysql' ? 'MYSQL_PWD' : kind === 'redis' ? 'REDISCLI_AUTH' : '~/.pgpass';
    context.output.warn(`a password in --to can be read by everybody on this machine; put it into ${better}`);
  }
  const asScript =
    (kind === 'files' ? to.endsWith('.tar') : to.endsWith('.sql')) ||
    (isDatabase(kind) && databaseUrlProblem(kind, to) !== undefined);
  mustFitPaths(kind, asScript, flags.path);
  if (asScript) await restoreToScript(context, opened, resolve(to), flags);
  else await restoreToEngine(context, opened, to, flags);
}

async function restoreToEngine(
  context: CliContext,
  opened: OpenedSnapshot,
  to: string,
  flags: RestoreFlags,
): Promise<void> {
  const { planRestore, runRestore } = await import('../../restore/restore.ts');
  const { output, signal } = context;
  const { reader, item } = opened;
  const loader = await openLoader(reader.source.kind, to, context.env);
  const task = context.progress.start(`restoring ${item.entry.snapshot}`, item.entry.counts.plain_bytes);
  const options: LoadOptions = {
    jobs: flags.jobs,
    ...(flags.table.length > 0 && { tables: flags.table }),
    ...(flags.path.length > 0 && { paths: flags.path }),
    globals: flags.globals === true,
    noOwner: !flags.owner,
    onProgress: (bytes, what) => {
      task.add(bytes);
      task.say(what);
    },
  };
  const startedMs = performance.now();
  try {
    const plan = await planRestore(reader, loader, options, signal);
    if (!plan.occupied) for (const warning of plan.warnings) output.warn(warning);
    if (flags.dryRun === true) {
      showPlan(context, opened, plan);
      if (plan.occupied || plan.problems.length > 0) context.exit('target');
      return;
    }
    const report = await runRestore(reader, loader, plan, options, signal);
    task.end();
    const rows = Object.values(report.rows).reduce((sum, count) => sum + count, 0);
    const tables = Object.keys(report.rows).length;
    const took = performance.now() - startedMs;
    for (const left of report.leftOut) output.note(left);
    output.line(`restored ${opened.set.name}@${item.entry.snapshot} to ${report.target}`);
    output.line(
      `${describeRows(reader.source.kind, tables, rows)}${flags.path.length > 0 ? '' : ': the counts match the snapshot'}; ${formatDuration(took)}`,
    );
    output.summary({
      snapshot: item.entry.snapshot,
      target: report.target,
      rows: report.rows,
      left_out: report.leftOut,
      duration_ms: Math.round(took),
    });
  } finally {
    task.end();
  }
}

/** The list of an archive is one table, which nobody thinks of. */
function describeRows(kind: SourceKind, tables: number, rows: number): string {
  if (kind === 'files') return formatPlural(rows, 'entry', 'entries');
  return `${formatPlural(tables, 'table')}, ${formatPlural(rows, 'row')}`;
}

async function restoreToScript(
  context: CliContext,
  opened: OpenedSnapshot,
  file: string,
  flags: RestoreFlags,
): Promise<void> {
  const { refuseOccupiedFile, script, scriptStreams, writeScript } = await import('../../restore/script.ts');
  const options = { globals: flags.globals === true, ...(flags.table.length > 0 && { tables: flags.table }) };
  const bytes = scriptStreams(opened.reader, options).reduce((sum, stream) => sum + stream.bytes, 0);
  await refuseOccupiedFile(file);
  const { output, signal } = context;
  const what = opened.reader.source.kind === 'files' ? 'an archive' : 'SQL';
  const snapshot = opened.item.entry.snapshot;
  if (flags.dryRun === true) {
    output.line(`would write ${formatBytes(bytes)} of ${what} to ${file}`);
    output.summary({ snapshot, target: file, bytes, dry_run: true });
    return;
  }
  const task = context.progress.start(`writing ${file}`, bytes);
  try {
    await writeScript(file, script(opened.reader, options, signal), (count) => task.add(count));
  } finally {
    task.end();
  }
  output.line(`wrote ${formatBytes(bytes)} of ${what} to ${file}`);
  output.summary({ snapshot, target: file, bytes });
}

/** What the last measured restore speeds suggest; a plan says "about". */
const BYTES_PER_SECOND_GUESS = 40 * 1024 * 1024;

function showPlan({ output }: CliContext, { item, set, reader }: OpenedSnapshot, plan: RestorePlan): void {
  const rows = plan.tables.reduce((sum, table) => sum + table.rows, 0);
  output.line(
    `snapshot  ${set.name}@${item.entry.snapshot}, ${formatAge(new Date(item.entry.time), new Date())}`,
  );
  output.line(
    `target    ${plan.target}: ${plan.occupied ? 'OCCUPIED, would be refused' : plan.exists ? 'empty' : 'will be created'}`,
  );
  output.line(
    `data      ${describeRows(reader.source.kind, plan.tables.length, rows)}, ${formatBytes(plan.bytes)} of ${reader.source.kind === 'files' ? 'an archive' : 'SQL'}`,
  );
  output.line(
    `time      about ${formatDuration(Math.max(3000, (plan.bytes / BYTES_PER_SECOND_GUESS) * 1000))}, by a rule of thumb`,
  );
  output.line();
  output.table(
    [{ title: 'TABLE' }, { title: 'ROWS', align: 'right' }, { title: 'SIZE', align: 'right' }],
    plan.tables.map((table) => [table.name, formatCount(table.rows), formatBytes(table.bytes)]),
  );
  for (const problem of plan.problems) output.line(`missing: ${problem}`);
  const { tables, ...facts } = plan;
  output.summary({ ...facts, snapshot: item.entry.snapshot, tables, dry_run: true });
}

/** A new name beside the source, which says what it is. */
async function defaultTarget(context: CliContext, { set, item }: OpenedSnapshot): Promise<string> {
  const suffix = item.entry.snapshot.slice(0, 15).replace('T', '_').toLowerCase();
  if (set.source === 'sqlite' || set.source === 'files') return `${set.path}.restored-${item.entry.snapshot}`;
  if (set.source === 'redis') throw (await import('../../restore/errors.ts')).targetNeeded();
  const url = await resolveSourceUrl(set, context.env, context.signal);
  return set.source === 'postgres' ? newDatabaseUrl(url, suffix) : besideIt(url, suffix);
}

/** The same for a URL that says everything itself. */
function besideIt(url: string, suffix: string): string {
  const parsed = new URL(url);
  const database = decodeURIComponent(parsed.pathname.slice(1));
  // MySQL takes names of up to 64 characters.
  parsed.pathname = `/${encodeURIComponent(`${database.slice(0, 38)}_restored_${suffix}`)}`;
  return parsed.href;
}

/** The URL of a database `NAME_restored_SUFFIX` on the same server. */
export async function newDatabaseUrl(url: string, suffix: string): Promise<string> {
  const { pgConnection } = await import('../../sources/postgres/connection.ts');
  const { database } = pgConnection(url);
  // PostgreSQL cuts names at 63 bytes; the suffix is what must stay.
  const name = `${database.slice(0, 36)}_restored_${suffix}`;
  const parsed = new URL(url);
  parsed.pathname = `/${encodeURIComponent(name)}`;
  return parsed.href;
}
