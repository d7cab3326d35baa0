/** What an erasure may cost, judged from the measured runs. Pure. */
import type { Run } from './bench.ts';
import { HOLDFAST } from './peers/holdfast.ts';
import { compared, median } from './compared.ts';
import type { Target } from './compared.ts';

const SNAPSHOTS = 30;

export function purgeTargets(runs: readonly Run[]): readonly Target[] {
  const of = (what: string, figure: (run: Run) => number): number =>
    median(runs.filter((run) => run.what === what).map(figure));
  const both = (what: string): number =>
    of(`${what}/plan`, ({ seconds }) => seconds) + of(`${what}/apply`, ({ seconds }) => seconds);
  const naive = of('purge/naive', ({ seconds }) => seconds) * SNAPSHOTS;
  const seconds = (what: string, against: string, ours: number, peer: number, limit: number): Target =>
    compared({
      ...{ part: 'purge', what, against, limit, ours, peer, unit: '×' },
      show: (value) => `${value.toFixed(2)} s`,
    });
  const share = (what: string, against: string, ours: number, limit: number): Target =>
    compared({
      ...{ part: 'purge', what, against, limit, ours, peer: NaN, unit: '' },
      show: (value) => `${(value * 100).toFixed(2)} %`,
    });
  const indexed = (figure: (run: Run) => number): number =>
    of('purge/backup-indexed', figure) / of('purge/backup-plain', figure) - 1;
  return [
    seconds('erase one person, plan + apply', '30 dumps by awk', both('purge/one'), naive, 0.01),
    seconds('the same without an index', '30 dumps by awk', both('purge/no-index'), naive, 0.2),
    seconds('erase 100 people', 'one person', both('purge/hundred'), both('purge/one'), 10),
    share(`erase one person, bytes moved${rowsOf(runs)}`, 'bytes stored', moved(runs), 0.03),
    share('subject index, bytes', 'bytes stored', of('purge/index', indexShare), 0.06),
    share(
      'subject index, more time of a backup',
      '',
      indexed(({ seconds: time }) => time),
      0.05,
    ),
    share(
      'subject index, more processor time',
      '',
      indexed(({ cpuSeconds }) => cpuSeconds),
      0.05,
    ),
  ];
}

function indexShare({ newBytes = NaN, over }: Run): number {
  return newBytes / (over?.storedBytes ?? NaN);
}

/** Bodies of objects, of plan and apply together, by what was stored. */
function moved(runs: readonly Run[]): number {
  const counted = runs.filter(
    ({ what, contestant }) => contestant === HOLDFAST && what.startsWith('purge/s3/'),
  );
  const bytes = counted.reduce((sum, { traffic }) => sum + (traffic?.objectBytes ?? NaN), 0);
  return counted.length === 2 ? bytes / (counted[0]?.over?.storedBytes ?? NaN) : NaN;
}

function rowsOf(runs: readonly Run[]): string {
  const rows = runs.find(({ over }) => over?.rows !== undefined)?.over?.rows;
  return rows === undefined ? '' : ` (${rows} rows)`;
}
