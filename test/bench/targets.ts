/** The promises about speed and size, judged from the measured runs. Pure: runs in, lines of a table out. */
import type { Run } from './bench.ts';
import { drillTargets } from './drill.ts';
import type { Part } from './options.ts';
import { HOLDFAST } from './peers/holdfast.ts';
import { evidenceTargets } from './evidence.ts';
import { engineTargets } from './engines/targets.ts';
import { purgeTargets } from './purge-targets.ts';
import { requestsIn } from './s3-traffic.ts';
import { statusTarget } from './status.ts';
import { compared, median } from './compared.ts';
import type { Target } from './compared.ts';

const MB = 1e6;

/** Every line of the table, in its order; a line whose figures were not measured says so. */
export function targets(runs: readonly Run[]): readonly Target[] {
  return [
    slower(runs, 'first', 'first backup', 'zstd+gpg', 1.0),
    slower(runs, 'first', 'first backup', 'restic', 0.9),
    slower(runs, 'first', 'first backup', 'borg', 0.9),
    slower(runs, 'next', 'next day, 0.5 % new', 'pg_dump', 1.25),
    slower(runs, 'next', 'next day, 0.5 % new', 'restic', 0.65),
    larger(runs, 'next', 'next day, bytes stored', 'restic', 1.0),
    reuse(runs),
    slower(runs, 'cat', 'cat (decrypt all)', 'zstd+gpg', 2.5),
    slower(runs, 'cat', 'cat (decrypt all)', 'restic', 1.0),
    slower(runs, 'restore', 'restore, 2 jobs', 'zstd+gpg', 0.85),
    ...drillTargets(runs),
    memoryLimit(runs, 300 * MB),
    memoryGrowth(runs, 1.2),
    catalogueSize(runs, 'manifest', 'catalogue of 8 M segments, manifest', 1 * MB),
    catalogueSize(runs, 'pages', 'catalogue, new pages for 1 % new', 0.03 * 8e6 * 200),
    catalogueMemory(runs, 400 * MB),
    sameRequests(runs, 'snapshots'),
    sameRequests(runs, 'expire'),
    sameRequests(runs, 'expire-confirm'),
    rotated(runs, 0.02),
    copiedAgain(runs),
    ...purgeTargets(runs),
    startup(runs, 'help', 'holdfast --help', 0.15),
    startup(runs, 'snapshots', 'holdfast snapshots', 0.4),
    startup(runs, 'single-help', 'single executable --help', 0.2),
    startup(runs, 'single-snapshots', 'single executable snapshots', 0.4),
    statusTarget(runs),
    ...evidenceTargets(runs),
    ...engineTargets(runs),
  ];
}

function slower(runs: readonly Run[], part: Part, what: string, against: string, limit: number): Target {
  const seconds = (name: string): number => medianOf(runs, part, name, (run) => run.seconds);
  return compared({
    part,
    what,
    against,
    limit,
    ours: seconds(HOLDFAST),
    peer: seconds(against),
    show: asSeconds,
    unit: '×',
  });
}

function larger(runs: readonly Run[], part: Part, what: string, against: string, limit: number): Target {
  const bytes = (name: string): number => medianOf(runs, part, name, (run) => run.newBytes ?? NaN);
  return compared({
    part,
    what,
    against,
    limit,
    ours: bytes(HOLDFAST),
    peer: bytes(against),
    show: asMegabytes,
    unit: '×',
  });
}

function reuse(runs: readonly Run[]): Target {
  const ours = medianOf(runs, 'unchanged', HOLDFAST, (run) => run.reused ?? NaN);
  const show = (share: number): string => `${(share * 100).toFixed(2)} %`;
  const line = compared({
    part: 'unchanged',
    what: 'unchanged, segments reused',
    against: '',
    limit: 0.995,
    ours,
    peer: NaN,
    show,
    unit: '',
  });
  // The only line where more is better.
  return {
    ...line,
    reach: '≥ 99.5 %',
    verdict: Number.isNaN(ours) ? 'no figure' : ours >= 0.995 ? 'ok' : 'over',
  };
}

function memoryLimit(runs: readonly Run[], limit: number): Target {
  const ours = highest(
    runs.filter((run) => run.contestant === HOLDFAST && !/^(catalogue|purge|report)/.test(run.what)),
  );
  return compared({
    part: 'memory',
    what: 'memory, highest of all runs',
    against: '',
    limit,
    ours,
    peer: NaN,
    show: asMegabytes,
    unit: '',
  });
}

function memoryGrowth(runs: readonly Run[], limit: number): Target {
  const grown = ['backup', 'cat', 'restore'].map((step) => {
    const [large, small] = ['large', 'small'].map((size) =>
      highest(runs.filter((run) => run.what === `memory/${size}/${step}`)),
    );
    return { large: large ?? NaN, small: small ?? NaN };
  });
  const worst = grown.reduce((a, b) => (a.large / a.small >= b.large / b.small ? a : b));
  const { large: ours, small: peer } = worst;
  const [what, against] = ['memory, large database', 'a tenth of it'];
  return compared({ part: 'memory', what, against, limit, ours, peer, show: asMegabytes, unit: '×' });
}

/** The page limit is three times the lines of what is new: pages in proportion to the change. */
function catalogueSize(runs: readonly Run[], step: string, what: string, limit: number): Target {
  const ours = medianOf(runs, `catalogue/${step}`, HOLDFAST, (run) => run.newBytes ?? NaN);
  return compared({
    part: 'catalogue',
    what,
    against: '',
    limit,
    ours,
    peer: NaN,
    show: asMegabytes,
    unit: '',
  });
}

function catalogueMemory(runs: readonly Run[], limit: number): Target {
  const ours = highest(runs.filter((run) => run.what === 'catalogue/manifest'));
  const what = 'catalogue, memory';
  return compared({
    part: 'catalogue',
    what,
    against: '',
    limit,
    ours,
    peer: NaN,
    show: asMegabytes,
    unit: '',
  });
}

/** Requests may grow with the number of snapshots, never with what is in them. */
function sameRequests(runs: readonly Run[], verb: string): Target {
  const requests = (how: string): number =>
    medianOf(runs, `retention/${verb}/${how}`, HOLDFAST, ({ traffic }) =>
      traffic === undefined ? NaN : requestsIn(traffic),
    );
  return compared({
    part: 'retention',
    what: `${verb.replace('-', ' --')}, requests`,
    against: 'a fourth of the segments',
    limit: 1,
    ours: requests('many'),
    peer: requests('few'),
    show: String,
    unit: '×',
  });
}

function rotated(runs: readonly Run[], limit: number): Target {
  const share = ({ traffic, over }: Run): number =>
    (traffic?.objectBytes ?? NaN) / (over?.storedBytes ?? NaN);
  return compared({
    part: 'retention',
    what: 'keys rotate, bytes moved of those stored',
    against: '',
    limit,
    ours: medianOf(runs, 'retention/rotate', HOLDFAST, share),
    peer: NaN,
    show: (value) => `${(value * 100).toFixed(2)} %`,
    unit: '',
  });
}

/** Header and hosts' keys are read to see whose store it is; of backups nothing may move. */
function copiedAgain(runs: readonly Run[]): Target {
  const ours = medianOf(runs, 'retention/copy', HOLDFAST, ({ traffic }) => traffic?.backupBytes ?? NaN);
  const [part, what] = ['retention', 'copy of an unchanged store, bytes of backups'] as const;
  const line = compared({ part, what, against: '', limit: 1, ours, peer: NaN, show: String, unit: '' });
  return { ...line, reach: '0', verdict: line.verdict === 'ok' && ours > 0 ? 'over' : line.verdict };
}

function startup(runs: readonly Run[], step: string, what: string, limit: number): Target {
  const ours = medianOf(runs, `startup/${step}`, HOLDFAST, (run) => run.seconds);
  const show = (seconds: number): string => `${(seconds * 1000).toFixed(0)} ms`;
  return compared({ part: 'startup', what, against: '', limit, ours, peer: NaN, show, unit: '' });
}

function medianOf(
  runs: readonly Run[],
  what: string,
  contestant: string,
  figure: (run: Run) => number,
): number {
  return median(runs.filter((run) => run.what === what && run.contestant === contestant).map(figure));
}

function highest(runs: readonly Run[]): number {
  return runs.length === 0 ? NaN : Math.max(...runs.map((run) => run.peakBytes));
}

function asSeconds(seconds: number): string {
  return `${seconds.toFixed(2)} s`;
}

function asMegabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`;
}
