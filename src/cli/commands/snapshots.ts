/** `holdfast snapshots`: what there is, from public entries; no key needed. */
import type { Command } from 'commander';
import { setOf } from '../../config/config.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { CliContext } from '../context.ts';
import { formatAge, formatBytes, formatCount } from '../format.ts';
import { withExamples } from '../program.ts';
import { openConfiguredSession } from '../wiring.ts';

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('snapshots [SET]')
    .description('list snapshots')
    .action((set: string | undefined) => snapshots(context, set));
  withExamples(command, [
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
] as const;

async function snapshots(context: CliContext, only: string | undefined): Promise<void> {
  const { readCatalog } = await import('../../repository/catalog.ts');
  const config = await context.config();
  await using opened = await openConfiguredSession(context);
  const { session } = opened;
  const names = only === undefined ? [...config.sets.keys()] : [setOf(config, only).name];
  const now = await session.store.now(context.signal);
  const rows: string[][] = [];
  let count = 0;
  for (const name of names) {
    const catalog = await readCatalog(session.store, session.id, name, session.trust, context.signal);
    const live = catalog.entries.filter(({ entry }) => new Date(entry.end) > now);
    for (const { key, error } of catalog.failures) context.output.warn(`${key}: ${String(error)}`);
    for (const item of live) {
      rows.push(row(item, now));
      const { packs, ...facts } = item.entry;
      context.output.record({ ...facts, packs: packs.length, type: 'snapshot' });
    }
    count += live.length;
  }
  if (count === 0) context.output.line('no snapshots yet; make one with: holdfast backup');
  else context.output.table(COLUMNS, rows);
  context.output.summary({ snapshots: count });
}

function row({ entry }: CatalogEntry, now: Date): string[] {
  return [
    `${entry.set}@${entry.snapshot}`,
    entry.time.slice(0, 16).replace('T', ' '),
    formatAge(new Date(entry.time), now),
    entry.full ? 'full' : 'incremental',
    formatBytes(entry.counts.plain_bytes),
    formatBytes(entry.counts.new_bytes),
    `${formatCount(entry.counts.new_segments)} of ${formatCount(entry.counts.segments)}`,
    entry.end.slice(0, 10),
  ];
}
