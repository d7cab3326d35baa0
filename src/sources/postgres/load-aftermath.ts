/** What a restore makes on the server beside the database's contents, and how it takes that back after a failure. */
import { cancelled, HoldfastError, isHoldfastError, reasonOf } from '../../errors.ts';
import type { DumpReader } from '../source.ts';
import { firstLine, quoteName } from './load-names.ts';
import { isConnectionLoss, serverGone, statementFailed, withAftermath } from './load-errors.ts';
import { undoGlobals, type GlobalsPlan } from './load-globals.ts';
import { readLocale } from './load-locale.ts';
import type { Target } from './load-target.ts';
import type { Findings } from './preflight.ts';

export interface Prepared {
  /** True when the database is ours to drop. */
  readonly created: boolean;
  readonly globals: GlobalsPlan | undefined;
  readonly leftOut: readonly string[];
}

/**
 * Creates roles and tablespaces (when asked for) and the database (when absent). What it made is gone again when it fails.
 * @throws HoldfastError LOAD_STATEMENT, TARGET_CREATE, TARGET_OCCUPIED
 */
export async function prepareTarget(target: Target, dump: DumpReader, findings: Findings): Promise<Prepared> {
  const { globals, exists } = findings;
  try {
    for (const { sql, place } of globals?.run ?? []) {
      await target.run(sql).catch((error: unknown) => {
        throw statementFailed(place, firstLine(sql.toString('utf8')), error);
      });
    }
    const notes = exists ? [] : await target.create(readLocale(dump.source.facts));
    return { created: !exists, globals, leftOut: [...(globals?.leftOut ?? []), ...notes] };
  } catch (error) {
    await takeBack(target, globals);
    throw error;
  }
}

/**
 * The failure of a restore with what became of the target: dropped when it was ours, named as incomplete when not. What
 * is no HoldfastError is passed on as it is, after the same cleaning.
 */
export async function aftermathOf(
  error: unknown,
  target: Target,
  prepared: Prepared,
  signal: AbortSignal,
): Promise<unknown> {
  const failure = failureOf(error, signal);
  const { text, hint } = await cleanUp(target, prepared);
  return failure instanceof HoldfastError ? withAftermath(failure, text, hint) : failure;
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && !isHoldfastError(error, 'CANCELLED')) return cancelled();
  if (!(error instanceof HoldfastError) && isConnectionLoss(error)) return serverGone('the restore', error);
  return error;
}

/** @returns what became of the target, for people */
async function cleanUp(
  target: Target,
  { created, globals }: Prepared,
): Promise<{ readonly text: string; readonly hint?: string }> {
  const { database } = target;
  const name = quoteName(database);
  if (!created) {
    const hint = `Empty it before the next restore: DROP DATABASE ${name}; CREATE DATABASE ${name};`;
    return { text: `database ${database} existed before and is incomplete now`, hint };
  }
  try {
    await target.drop();
  } catch (error) {
    const hint = `Drop it when the server is back: DROP DATABASE ${name} WITH (FORCE);`;
    return { text: `database ${database} is incomplete and could not be dropped (${reasonOf(error)})`, hint };
  }
  await takeBack(target, globals);
  return { text: `database ${database}, created for this restore, was dropped again` };
}

/** Best effort: a role that something else depends on by now stays. */
async function takeBack(target: Target, globals: GlobalsPlan | undefined): Promise<void> {
  if (globals === undefined) return;
  for (const statement of undoGlobals(globals)) {
    await target.run(Buffer.from(statement)).catch(() => undefined);
  }
}
