/** `holdfast status`: for monitors. One line per set, and the exit code says whether all is well. */
import type { Command } from 'commander';
import { setsOf } from '../../config/config.ts';
import type { SetConfig } from '../../config/config.ts';
import { isHoldfastError } from '../../errors.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { CliContext } from '../context.ts';
import { formatDuration } from '../format.ts';
import type { Ledger } from '../../repository/ledger.ts';
import { openConfiguredSession } from '../wiring.ts';
import type { OpenedSession } from '../wiring.ts';

const HOUR_MS = 3_600_000;

export function register(program: Command, context: CliContext): void {
  program
    .command('status [SET...]')
    .description('age of the newest snapshot against what was promised; exits 1 when a set is late')
    .action((names: string[]) => status(context, names));
}

async function status(context: CliContext, names: readonly string[]): Promise<void> {
  const { readCatalog } = await import('../../repository/catalog.ts');
  const { readLedger } = await import('../../repository/ledger.ts');
  const { statusOf, DEFAULT_BACKUP_EVERY_MS } = await import('../../status/status.ts');
  const config = await context.config();
  const sets = setsOf(config, names);
  await using opened = await openConfiguredSession(context);
  const { session } = opened;
  const now = await session.store.now(context.signal);
  const { backupEveryHours } = config.promises;
  const everyMs = backupEveryHours === undefined ? DEFAULT_BACKUP_EVERY_MS : backupEveryHours * HOUR_MS;
  const late: string[] = [];
  for (const set of sets) {
    const { name } = set;
    const ledger = await readLedger(session, name, context.signal);
    const { entries, failures } = await readCatalog(session, name, ledger, context.signal);
    const found = statusOf(name, entries, failures.length, everyMs, now);
    if (!found.ok) late.push(name);
    const age = found.ageMs === undefined ? '' : ` ${ageOf(found.ageMs)} old,`;
    const limit = `limit ${formatDuration(found.limitMs)}`;
    if (!found.ok || !context.quiet)
      context.output.line(
        `${found.ok ? 'OK  ' : 'LATE'} ${name}: ${found.newest ?? 'nothing'}${age} ${limit}: ${found.reason}`,
      );
    context.output.record({ ...found, type: 'status' });
    late.push(...(await overdueRequests(context, opened, name, { ledger, entries, now })));
    late.push(...(await statusOfCopies(context, set, { entries, everyMs, now })));
  }
  if (late.length > 0) context.exit('failed');
  context.output.summary({ sets: sets.length, late });
}

/** Says which erasures were promised by now and are not done; the exit code says it too. */
async function overdueRequests(
  { output }: CliContext,
  { config, session }: OpenedSession,
  set: string,
  { ledger, entries, now }: { ledger: Ledger; entries: readonly CatalogEntry[]; now: Date },
): Promise<string[]> {
  const { purgesOf } = await import('../../repository/purges.ts');
  const { requestsOf } = await import('../../purge/evidence/requests.ts');
  const purges = purgesOf(ledger, session.operators);
  const overdue = requestsOf(purges, entries, config.promises.erasureWithinDays, now).filter(
    (request) => request.overdue,
  );
  for (const { id, subject, due } of overdue) {
    output.line(
      `LATE ${set}: purge ${id} of ${subject} was due ${due ?? ''}: finish it with holdfast purge resume`,
    );
    output.record({ type: 'overdue', set, id, subject, due });
  }
  return overdue.map(({ id }) => `${set}, purge ${id}`);
}

interface OfStore {
  readonly entries: readonly CatalogEntry[];
  readonly everyMs: number;
  readonly now: Date;
}

/** A line for each copy: late by the same limit as the store itself. Returns those that are. */
async function statusOfCopies(
  context: CliContext,
  set: SetConfig,
  { entries, everyMs, now }: OfStore,
): Promise<string[]> {
  const late: string[] = [];
  for (const { name } of set.replicas) {
    const about = `${set.name}, copy ${name}`;
    const found = await statusOfCopy(context, set, name, { entries, everyMs, now });
    if (!found.ok) late.push(about);
    if (!found.ok || !context.quiet)
      context.output.line(`${found.ok ? 'OK  ' : 'LATE'} ${about}: ${found.text}`);
    context.output.record({ ...found.facts, type: 'status', set: set.name, copy: name, ok: found.ok });
  }
  return late;
}

interface CopyStatus {
  readonly ok: boolean;
  readonly text: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

async function statusOfCopy(
  context: CliContext,
  set: SetConfig,
  name: string,
  { entries, everyMs, now }: OfStore,
): Promise<CopyStatus> {
  const { openCopyOf } = await import('../copies.ts');
  const { readSide } = await import('../../copy/read-level.ts');
  const { describeLevel, levelOf } = await import('../../copy/level.ts');
  const { statusOf } = await import('../../status/status.ts');
  try {
    await using copy = await openCopyOf(context, set, name, []);
    const side = await readSide(copy.session, set.name, context.signal);
    const level = levelOf(entries, side.entries, now);
    const found = statusOf(set.name, side.entries, side.failures.length, everyMs, now);
    const age = found.ageMs === undefined ? '' : ` ${ageOf(found.ageMs)} old,`;
    const text = `${found.newest ?? 'nothing'}${age} ${describeLevel(level)}: ${found.reason}`;
    return { ok: found.ok, text, facts: { ...found, behind: level.missing.length } };
  } catch (error) {
    if (!isHoldfastError(error) || error.exit === 'cancelled') throw error;
    return { ok: false, text: error.message, facts: { reason: error.message, code: error.code } };
  }
}

/** Nobody wants to read milliseconds in a monitor. */
function ageOf(ms: number): string {
  return ms < 60_000 ? 'less than a minute' : formatDuration(ms);
}
