/** What a restore makes on the server beside the database's contents, and how it takes that back after a failure. */
import { cancelled, HoldfastError, isHoldfastError, reasonOf } from '../../errors.ts';
import type { DumpReader, RestoreIdentity } from '../source.ts';
import { claim } from './load-claim.ts';
import { firstLine, quoteName } from './load-names.ts';
import { isConnectionLoss, serverGone, statementFailed, withAftermath } from './load-errors.ts';
import { undoGlobals, type GlobalsPlan } from './load-globals.ts';
import { readLocale } from './load-locale.ts';
import { writeMark } from './load-mark.ts';
import type { Phase } from './load-mark.ts';
import type { LoadedTables } from './load-resume.ts';
import type { Target } from './load-target.ts';
import type { Findings } from './preflight.ts';

export interface Prepared {
  /** True when the database is ours to drop. */
  readonly created: boolean;
  readonly globals: GlobalsPlan | undefined;
  readonly leftOut: readonly string[];
  /** Says how far the restore has come; undefined when nobody could go on with it. */
  readonly mark: ((phase: Phase) => Promise<void>) | undefined;
}

export interface Beginning {
  readonly identity: RestoreIdentity | undefined;
  /** Set when an unfinished database was taken up, which then is there. */
  readonly loaded: LoadedTables | undefined;
}

/**
 * Creates roles and tablespaces (when asked for) and the database (when absent). What it made is gone again when it fails.
 * @throws HoldfastError LOAD_STATEMENT, TARGET_CREATE, TARGET_OCCUPIED
 */
export async function prepareTarget(
  target: Target,
  dump: DumpReader,
  { globals, exists }: Pick<Findings, 'globals' | 'exists'>,
  { identity, loaded }: Beginning,
): Promise<Prepared> {
  try {
    for (const { sql, place } of globals?.run ?? []) {
      await target.run(sql).catch((error: unknown) => {
        throw statementFailed(place, firstLine(sql.toString('utf8')), error);
      });
    }
    const makes = !exists && loaded === undefined;
    const notes = makes ? await target.create(readLocale(dump.source.facts)) : [];
    if (makes && identity !== undefined) await begin(target, identity);
    const mark =
      exists || identity === undefined ? undefined : (phase: Phase) => writeMark(target, identity, phase);
    return { created: !exists, globals, leftOut: [...(globals?.leftOut ?? []), ...notes], mark };
  } catch (error) {
    await takeBack(target, globals);
    throw error;
  }
}

/** From here on the database says whose it is; one that cannot is gone again. */
async function begin(target: Target, identity: RestoreIdentity): Promise<void> {
  try {
    await claim(target);
    await writeMark(target, identity, 'pre-data');
  } catch (error) {
    await target.drop();
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
  const isKept = prepared.mark !== undefined && isInterruption(failure);
  const { text, hint } = isKept ? keep(target) : await cleanUp(target, prepared);
  return failure instanceof HoldfastError ? withAftermath(failure, text, hint) : failure;
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted && !isHoldfastError(error, 'CANCELLED')) return cancelled();
  if (!(error instanceof HoldfastError) && isConnectionLoss(error)) return serverGone('the restore', error);
  return error;
}

/** Neither the dump nor the target is at fault: the same again can succeed, and need not begin anew. */
function isInterruption(failure: unknown): boolean {
  return isHoldfastError(failure) && (failure.exit === 'noStore' || PASSING.has(failure.code));
}

/** A store that is overloaded, damages bytes on their way, or takes rights away for a while is there, and so has another exit code. */
const PASSING: ReadonlySet<string> = new Set([
  'LOAD_SERVER_GONE',
  'STORE_BUSY',
  'STORE_DENIED',
  'STORE_DIGEST',
]);

function keep({ database }: Target): { readonly text: string; readonly hint: string } {
  const hint = `Go on with the same command and --resume, or drop it: DROP DATABASE ${quoteName(database)} WITH (FORCE);`;
  return { text: `database ${database} is incomplete and was kept as it is`, hint };
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
