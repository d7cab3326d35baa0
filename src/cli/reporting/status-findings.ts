/** What there is to say of a set to monitors: its newest snapshot, its copies, erasures that were promised. */
import type { SetConfig } from '../../config/config.ts';
import { isSurvivable } from '../../errors.ts';
import type { HoldfastError } from '../../errors.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Ledger } from '../../repository/ledger.ts';
import type { StatusFinding } from '../../status/finding.ts';
import type { SetStatus } from '../../status/status.ts';
import type { CliContext } from '../context.ts';
import { formatDuration } from '../terminal/format.ts';
import type { OpenedSession } from '../wiring.ts';

/** What was read of a set, and what it is judged by. */
export interface StatusFacts {
  readonly ledger: Ledger;
  readonly entries: readonly CatalogEntry[];
  /** Number of entries that could not be verified. */
  readonly damaged: number;
  /** The promised interval between backups. */
  readonly everyMs: number;
  /** The store's clock. */
  readonly now: Date;
}

/** Everything about one set, in the order in which people read it. */
export async function findingsOf(
  context: CliContext,
  opened: OpenedSession,
  set: SetConfig,
  facts: StatusFacts,
): Promise<readonly StatusFinding[]> {
  return [
    await aboutSnapshots(set, facts),
    ...(await aboutDrills(opened, set, facts)),
    ...(await aboutErasures(opened, set, facts)),
    ...(await aboutCopies(context, set, facts)),
  ];
}

/** What is signed does not hold: of this set nothing else can be believed, and the others have their own. */
export function unsoundSet(set: string, { message, code }: HoldfastError): StatusFinding {
  const record = { type: 'status', set, ok: false, reason: message, code };
  return { ok: false, unsound: true, title: set, text: message, record };
}

async function aboutSnapshots({ name }: SetConfig, facts: StatusFacts): Promise<StatusFinding> {
  const { statusOf } = await import('../../status/status.ts');
  const { entries, damaged, everyMs, now } = facts;
  const found = statusOf(name, entries, damaged, everyMs, now);
  const text = `${newestOf(found)} limit ${formatDuration(found.limitMs)}: ${found.reason}`;
  const record = { ...found, type: 'status' };
  return { ok: found.ok, title: name, text, record, ...measured(`${name} age`, found, everyMs) };
}

/** Drills, where they are promised or one has failed. */
async function aboutDrills(
  { config, session }: OpenedSession,
  { name }: SetConfig,
  { ledger, entries, now }: StatusFacts,
): Promise<StatusFinding[]> {
  const { drillEveryDays } = config.promises;
  const { drillsOf } = await import('../../repository/drills.ts');
  const { drillStatusOf } = await import('../../status/drills.ts');
  const found = drillStatusOf(entries, drillsOf(ledger, session.operators), drillEveryDays, now);
  const { ok, ageMs, due, failure, overdue } = found;
  if (ok && due === undefined) return [];
  const last = ageMs === undefined ? 'never verified' : `verified ${ageOf(ageMs)} ago`;
  const limit = due === undefined ? '' : `, ${overdue ? 'was due' : 'next due'} ${due.slice(0, 16)}Z`;
  const failed = failure && `snapshot ${failure.snapshot} failed: ${failure.reasons.join(', ')}; `;
  const { verifiedTime } = found;
  const facts = { ok, verifiedTime, ageMs, due, overdue };
  const failures = failure && { failed: { snapshot: failure.snapshot, reasons: failure.reasons } };
  const record = { type: 'drills', set: name, ...facts, ...failures };
  return [{ ok, title: `${name}, drills`, text: `${failed ?? ''}${last}${limit}`, record }];
}

/** Erasures that were promised by now and are not done. */
async function aboutErasures(
  { config, session }: OpenedSession,
  { name: set }: SetConfig,
  { ledger, entries, now }: StatusFacts,
): Promise<StatusFinding[]> {
  const { purgesOf } = await import('../../repository/purges.ts');
  const { requestsOf } = await import('../../purge/evidence/requests.ts');
  const purges = purgesOf(ledger, session.operators);
  return requestsOf(purges, entries, config.promises.erasureWithinDays, now)
    .filter(({ overdue }) => overdue)
    .map(({ id, subject, due }) => ({
      ok: false,
      title: set,
      text: `purge ${id} of ${subject} was due ${due ?? ''}: finish it with holdfast purge resume ${set} -o RECEIPT.json`,
      name: `${set}, purge ${id}`,
      record: { type: 'overdue', set, id, subject, due },
    }));
}

/** A finding for each copy: late by the same limit as the store itself. */
async function aboutCopies(
  context: CliContext,
  set: SetConfig,
  facts: StatusFacts,
): Promise<StatusFinding[]> {
  const found: StatusFinding[] = [];
  for (const { name } of set.replicas) found.push(await aboutCopy(context, set, name, facts));
  return found;
}

async function aboutCopy(
  context: CliContext,
  set: SetConfig,
  copy: string,
  { entries, everyMs, now }: StatusFacts,
): Promise<StatusFinding> {
  const { openCopyOf } = await import('../copies/copies.ts');
  const { readSide } = await import('../../copy/read-level.ts');
  const { describeLevel, levelOf } = await import('../../copy/level.ts');
  const { statusOf } = await import('../../status/status.ts');
  const title = `${set.name}, copy ${copy}`;
  const about = { type: 'status', set: set.name, copy };
  try {
    await using opened = await openCopyOf(context, set, copy, []);
    const side = await readSide(opened.session, set.name, context.signal);
    const level = levelOf(entries, side.entries, now);
    const found = statusOf(set.name, side.entries, side.failures.length, everyMs, now);
    const text = `${newestOf(found)} ${describeLevel(level)}: ${found.reason}`;
    const record = { ...found, behind: level.missing.length, ...about };
    return { ok: found.ok, title, text, record, ...measured(`${set.name} ${copy} age`, found, everyMs) };
  } catch (error) {
    if (!isSurvivable(error)) throw error;
    const { message, code } = error;
    return { ok: false, title, text: message, record: { reason: message, code, ok: false, ...about } };
  }
}

function measured(
  name: string,
  { ageMs, limitMs }: SetStatus,
  everyMs: number,
): Pick<StatusFinding, 'measure'> {
  if (ageMs === undefined) return {};
  return { measure: { name, seconds: ageMs / 1000, warning: everyMs / 1000, critical: limitMs / 1000 } };
}

/** Nobody wants to read milliseconds in a monitor. */
function newestOf({ newest, ageMs }: SetStatus): string {
  if (newest === undefined || ageMs === undefined) return 'nothing';
  return `${newest} ${ageOf(ageMs)} old,`;
}

function ageOf(ms: number): string {
  return ms < 60_000 ? 'less than a minute' : formatDuration(ms);
}
