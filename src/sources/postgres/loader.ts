/** PostgreSQL as a restore target: a new database from a stored dump, through the protocol alone. */
import type { DumpReader, Loader, LoadOptions, LoadReport, Preflight } from '../source.ts';
import { throwIfCancelled } from '../../errors.ts';
import { pgConnection, type PgConnection } from './connection.ts';
import { finishDatabase, unmark } from './load-database.ts';
import { aftermathOf, prepareTarget } from './load-aftermath.ts';
import { targetOccupied, targetUnfit } from './load-errors.ts';
import { markOf } from './load-mark.ts';
import type { Phase } from './load-mark.ts';
import { restoreInto } from './load-restore.ts';
import { countWhole, takeUp } from './load-resume.ts';
import { Target } from './load-target.ts';
import { lookAround, type Findings } from './preflight.ts';

export interface PostgresLoaderOptions {
  /** Names the server and the database to create. */
  readonly url: string;
  /** Another name for the database than the URL's. */
  readonly database?: string;
  /** For PG* variables; default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A loader into the database of a URL, which it creates; one that exists is taken only when it is empty.
 *
 * psql has no part in it, so the commands of psql that a dump might hold cannot run: they are refused.
 */
export function postgresLoader(options: PostgresLoaderOptions): Loader {
  const open = (): Promise<Target> => Target.open(connectionOf(options));
  return {
    preflight: async (dump, loadOptions, signal) => {
      const target = await open();
      try {
        return preflightOf(await lookAround(target, dump, loadOptions, signal));
      } finally {
        await target.close();
      }
    },
    load: async (dump, loadOptions, signal) => {
      throwIfCancelled(signal);
      const target = await open();
      try {
        return await loadInto(target, dump, loadOptions, signal);
      } finally {
        await target.close();
      }
    },
  };
}

async function loadInto(
  target: Target,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  const findings = await lookAround(target, dump, options, signal);
  refuse(target, findings);
  throwIfCancelled(signal);
  const { identity, resume } = options;
  const goesOn = resume === true && identity !== undefined && findings.unfinished?.isSame === true;
  if (goesOn && findings.unfinished.isLoaded) {
    const rows = await countWhole(target, dump, findings, identity, signal);
    if (options.awaitsName !== true) await unmark(target, dump.source.facts);
    return { target: target.connection.libpqUrl, rows, leftOut: [] };
  }
  const loaded = goesOn ? await takeUp(target, dump, findings, identity, signal) : undefined;
  const exists = findings.exists && !goesOn;
  const prepared = await prepareTarget(target, dump, { ...findings, exists }, { identity, loaded });
  const onPhase = (phase: Phase) => prepared.mark?.(phase) ?? Promise.resolve();
  try {
    const report = await restoreInto(target, dump, findings, options, { loaded, onPhase }, signal);
    const leftOut = prepared.created ? await finish(target, dump.source.facts, options) : [KEPT];
    return { ...report, leftOut: [...prepared.leftOut, ...report.leftOut, ...leftOut] };
  } catch (error) {
    throw await aftermathOf(error, target, prepared, signal);
  }
}

async function finish(
  target: Target,
  facts: Readonly<Record<string, unknown>>,
  { identity, awaitsName, noOwner }: LoadOptions,
): Promise<readonly string[]> {
  const waits = awaitsName === true && identity !== undefined;
  const mark = waits ? await markOf(target, identity, 'loaded') : undefined;
  return finishDatabase(target, facts, noOwner, mark);
}

function preflightOf(findings: Findings): Preflight {
  const { target, exists, occupied, unfinished, problems, missingRoles = [], warnings } = findings;
  return { target, exists, occupied, ...(unfinished && { unfinished }), problems, missingRoles, warnings };
}

const KEPT = 'owner, comment, grants and settings of the database itself: it existed before';

function connectionOf({ url, database, env }: PostgresLoaderOptions): PgConnection {
  const connection = pgConnection(url, env);
  return database === undefined ? connection : connection.withDatabase(database);
}

function refuse(target: Target, { occupied, holds, problems }: Findings): void {
  if (occupied) throw targetOccupied(target.database, holds);
  if (problems.length > 0) throw targetUnfit(target.database, problems);
}
