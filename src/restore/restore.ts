/** Restoring a snapshot: look, plan, load, compare. */
import { own } from '../repository/records.ts';
import type {
  DumpReader,
  LoadOptions,
  Loader,
  LoadReport,
  Preflight,
  StoredStream,
} from '../sources/source.ts';
import { preflightFailed, rowsDiffer, targetOccupied, targetUnfinished } from './errors.ts';
import { selectTables } from './select.ts';

export interface RestorePlan extends Preflight {
  readonly tables: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[];
  /** Bytes of dump text that will be read. */
  readonly bytes: number;
}

/** What a restore would do; nothing is changed. */
export async function planRestore(
  dump: DumpReader,
  loader: Loader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const tables = chosenTables(dump, options.tables);
  const preflight = await loader.preflight(dump, options, signal);
  const others = dump.streams.filter((stream) => stream.table === undefined);
  const bytes = [...tables, ...others].reduce((sum, stream) => sum + stream.bytes, 0);
  return {
    ...preflight,
    tables: tables.map((stream) => ({ name: stream.name, rows: stream.rows, bytes: stream.bytes })),
    bytes,
  };
}

/**
 * Restores.
 * @throws HoldfastError TARGET_OCCUPIED, PREFLIGHT_FAILED before anything is changed; ROWS_DIFFER after loading
 */
export async function runRestore(
  dump: DumpReader,
  loader: Loader,
  plan: RestorePlan,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  if (plan.occupied)
    throw plan.unfinished ? targetUnfinished(plan.target, plan.unfinished) : targetOccupied(plan.target);
  if (plan.problems.length > 0) throw preflightFailed(plan.target, plan.problems);
  const report = await loader.load(dump, options, signal);
  const remade = new Set(report.remade);
  // Of some paths, or keys, only whoever wrote them knows how many there should be.
  const isWhole = options.paths === undefined && dump.isPart !== true;
  const whole = isWhole ? chosenTables(dump, options.tables) : [];
  const compared = whole.filter(({ table }) => !remade.has(table?.name ?? ''));
  const differences = compareRows(compared, report.rows, report.ended);
  if (differences.length > 0) throw rowsDiffer(differences);
  return report;
}

function chosenTables(dump: DumpReader, names: readonly string[] | undefined): StoredStream[] {
  if (names !== undefined) return selectTables(dump.streams, names);
  return dump.streams.filter((stream) => stream.table !== undefined);
}

/**
 * Where the target's rows differ from the manifest's. Several streams may belong to one table; of some, rows may have
 * ended. A table may be called `constructor`.
 */
function compareRows(
  streams: readonly StoredStream[],
  found: Readonly<Record<string, number>>,
  ended: Readonly<Record<string, number>> = {},
): string[] {
  const wanted = new Map<string, number>();
  for (const { table, rows } of streams)
    if (table) wanted.set(table.name, (wanted.get(table.name) ?? 0) + rows);
  return [...wanted].flatMap(([name, rows]) => {
    const here = own(found, name);
    return here !== undefined && here + (own(ended, name) ?? 0) === rows
      ? []
      : [`${name} has ${here ?? 'no'} rows instead of ${rows}`];
  });
}
