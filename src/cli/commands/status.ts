/** `holdfast status`: for monitors. One line per set, and the exit code says whether all is well. */
import type { Command } from 'commander';
import { setsOf } from '../../config/config.ts';
import type { CliContext } from '../context.ts';
import { formatDuration } from '../format.ts';
import { openConfiguredSession } from '../wiring.ts';

const HOUR_MS = 3_600_000;

export function register(program: Command, context: CliContext): void {
  program
    .command('status [SET...]')
    .description('age of the newest snapshot against what was promised; exits 1 when a set is late')
    .action((names: string[]) => status(context, names));
}

async function status(context: CliContext, names: readonly string[]): Promise<void> {
  const { readCatalog } = await import('../../repository/catalog.ts');
  const { statusOf, DEFAULT_BACKUP_EVERY_MS } = await import('../../status/status.ts');
  const config = await context.config();
  const sets = setsOf(config, names);
  await using opened = await openConfiguredSession(context);
  const { session } = opened;
  const now = await session.store.now(context.signal);
  const { backupEveryHours } = config.promises;
  const everyMs = backupEveryHours === undefined ? DEFAULT_BACKUP_EVERY_MS : backupEveryHours * HOUR_MS;
  const late: string[] = [];
  for (const { name } of sets) {
    const { entries, failures } = await readCatalog(
      session.store,
      session.id,
      name,
      session.trust,
      context.signal,
    );
    const found = statusOf(name, entries, failures.length, everyMs, now);
    if (!found.ok) late.push(name);
    const age = found.ageMs === undefined ? '' : ` ${ageOf(found.ageMs)} old,`;
    const limit = `limit ${formatDuration(found.limitMs)}`;
    if (!found.ok || !context.quiet)
      context.output.line(
        `${found.ok ? 'OK  ' : 'LATE'} ${name}: ${found.newest ?? 'nothing'}${age} ${limit}: ${found.reason}`,
      );
    context.output.record({ ...found, type: 'status' });
  }
  if (late.length > 0) context.exit('failed');
  context.output.summary({ sets: sets.length, late });
}

/** Nobody wants to read milliseconds in a monitor. */
function ageOf(ms: number): string {
  return ms < 60_000 ? 'less than a minute' : formatDuration(ms);
}
