/** `holdfast snapshots`: what there is, from public entries; no key needed. */
import { isSurvivable, reasonOf } from '../../errors.ts';
import type { Command } from 'commander';
import { setOf } from '../../config/config.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Session } from '../../repository/session.ts';
import type { Enforcement } from '../../retention/gone-by.ts';
import type { CliContext } from '../context.ts';
import { tellFailure } from '../set-failure.ts';
import type { SessionForSets } from '../copies/copies.ts';
import { formatAge, formatBytes, formatCount } from '../terminal/format.ts';
import { withCopy } from '../options.ts';
import type { CopyOption } from '../options.ts';
import { withExamples } from '../program.ts';

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('snapshots [SET]')
    .description('list snapshots')
    .action((set: string | undefined, flags: CopyOption) => snapshots(context, set, flags));
  withExamples(withCopy(command), [
    ['holdfast snapshots', 'of all sets'],
    ['holdfast snapshots shop --json', 'as JSON lines'],
  ]);
}

const COLUMNS = [
  { title: 'SNAPSHOT' },
  { title: 'TIME (UTC)' },
  { title: 'AGE' },
  { title: 'KIND' },
  { title: 'SIZE', align: 'right' },
  { title: 'NEW', align: 'right' },
  { title: 'NEW SEGMENTS', align: 'right' },
  { title: 'READABLE UNTIL' },
  { title: 'GONE BY' },
] as const;

async function snapshots(context: CliContext, only: string | undefined, { copy }: CopyOption): Promise<void> {
  const { sessionsFor } = await import('../copies/copies.ts');
  const config = await context.config();
  const sets = only === undefined ? [...config.sets.values()] : [setOf(config, only)];
  const rows: string[][] = [];
  const failed: string[] = [];
  let count = 0;
  for await (const from of sessionsFor(context, sets, { copy, named: only !== undefined, more: [] }))
    count += await addRows(context, from, rows, failed);
  if (count === 0 && failed.length === 0)
    context.output.line('no snapshots yet; make one with: holdfast backup');
  else context.output.table(COLUMNS, rows);
  context.output.summary({ snapshots: count, failed, ...(copy !== undefined && { copy }) });
}

/** Returns how many snapshots there are. A set that cannot be read hides no other. */
async function addRows(
  context: CliContext,
  { opened: { session, config }, sets }: SessionForSets,
  rows: string[][],
  failed: string[],
): Promise<number> {
  const { enforcementOf } = await import('../../retention/apply-lifecycle.ts');
  const { keepPrefix } = await import('../../repository/layout.ts');
  const now = await session.store.now(context.signal);
  const enforcement = await enforcementOf(session.store, context.signal);
  const unruled = new Set<number>();
  const place = { session, now, enforcement, unruled };
  let count = 0;
  for (const { name } of sets) {
    try {
      const manifestDays = config.sets.get(name)?.objectLock?.manifestDays;
      count += await addSet(context, { ...place, set: name, manifestDays }, rows);
    } catch (error) {
      if (sets.length === 1 || !isSurvivable(error)) throw error;
      failed.push(name);
      tellFailure(context, { set: name }, error);
    }
  }
  if (unruled.size > 0)
    context.output.warn(
      `no rule of the bucket ends what lies below ${[...unruled].map(keepPrefix).join(', ')}; write it with: holdfast store lifecycle apply`,
    );
  return count;
}

interface ListedSet {
  readonly session: Session;
  readonly set: string;
  readonly now: Date;
  readonly enforcement: Enforcement;
  /** Of locked manifests, days. */
  readonly manifestDays: number | undefined;
  /** Lives, in days, that nothing enforces: what is found is added. */
  readonly unruled: Set<number>;
}

async function addSet(
  context: CliContext,
  { session, set, now, enforcement, manifestDays, unruled }: ListedSet,
  rows: string[][],
): Promise<number> {
  const { readCatalog } = await import('../../repository/catalog.ts');
  const { readLedger } = await import('../../repository/ledger.ts');
  const { snapshotGoneBy } = await import('../../retention/gone-by.ts');
  const ledger = await readLedger(session, set, context.signal);
  const catalog = await readCatalog(session, set, ledger, context.signal);
  for (const { key, error } of catalog.failures) context.output.warn(`${key}: ${reasonOf(error)}`);
  const live = catalog.entries.filter(({ entry }) => new Date(entry.end) > now);
  for (const item of live) {
    const goneBy = snapshotGoneBy(item, enforcement, manifestDays);
    rows.push(row(item, now, goneBy));
    if (enforcement.lifecycle && goneBy === undefined)
      unruled.add(item.current?.days ?? item.entry.keep_days);
    const { packs, ...facts } = item.entry;
    const outer = { gone_by: goneBy?.toISOString() ?? null };
    context.output.record({ ...facts, packs: packs.length, ...outer, type: 'snapshot' });
  }
  return live.length;
}

/** @param goneBy - undefined where nothing but `expire` removes it */
function row({ entry }: CatalogEntry, now: Date, goneBy: Date | undefined): string[] {
  return [
    `${entry.set}@${entry.snapshot}`,
    entry.time.slice(0, 16).replace('T', ' '),
    formatAge(new Date(entry.time), now),
    entry.full ? 'full' : 'incremental',
    formatBytes(entry.counts.plain_bytes),
    formatBytes(entry.counts.new_bytes),
    `${formatCount(entry.counts.new_segments)} of ${formatCount(entry.counts.segments)}`,
    entry.end.slice(0, 10),
    goneBy?.toISOString().slice(0, 10) ?? 'expire',
  ];
}
