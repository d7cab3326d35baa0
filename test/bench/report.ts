/** What the benchmark prints: the machine, every contestant's medians, and the promises with their verdicts. */
import { cpus, release, totalmem } from 'node:os';

import type { Run } from './bench.ts';
import { describeTraffic, requestsIn } from './s3-traffic.ts';
import type { Target } from './compared.ts';
import { median } from './compared.ts';

const MB = 1e6;

/** Figures without these say nothing. */
export interface Scene {
  readonly machine: string;
  readonly database: string;
}

/** The whole report as Markdown, so that it can go into a document as it is. */
export function report(scene: Scene, runs: readonly Run[], judged: readonly Target[]): string {
  const where = [scene.machine, scene.database].filter(Boolean).map((line) => `- ${line}`);
  return [...where, '', ...medians(runs), '', ...traffics(runs), ...verdicts(judged), ''].join('\n');
}

/** The machine's size in one line. */
export function machine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? 'unknown processor';
  return `${processors.length} × ${model}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB memory, Linux ${release()}, Node ${process.versions.node}`;
}

function medians(runs: readonly Run[]): readonly string[] {
  const groups = Object.values(Object.groupBy(runs, (run) => `${run.what}\n${run.contestant}`));
  const rows = groups.map((group = []) => {
    const seconds = group.map((run) => run.seconds);
    const of = (figure: (run: Run) => number): number => median(group.map(figure));
    return [
      group[0]?.what ?? '',
      group[0]?.contestant ?? '',
      String(group.length),
      of((run) => run.seconds).toFixed(2),
      `${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}`,
      of((run) => run.cpuSeconds).toFixed(2),
      of((run) => run.serverCpuSeconds).toFixed(2),
      megabytes(of((run) => run.peakBytes)),
      megabytes(of((run) => run.treePeakBytes)),
      megabytes(of((run) => run.newBytes ?? NaN)),
    ];
  });
  const heads = [
    'what',
    'who',
    'runs',
    'seconds',
    'from–to',
    'CPU s',
    'server CPU s',
    'peak MB',
    'tree MB',
    'new MB',
  ];
  return table(heads, rows);
}

/** Nothing when no run was counted. */
function traffics(runs: readonly Run[]): readonly string[] {
  const rows = runs.flatMap(({ what, traffic, over }) => {
    if (traffic === undefined || over === undefined) return [];
    const requests = requestsIn(traffic);
    return [
      [
        what,
        String(over.snapshots),
        String(over.segments ?? '–'),
        String(requests),
        (requests / over.snapshots).toFixed(2),
        describeTraffic(traffic),
        megabytes(traffic.objectBytes),
        megabytes(over.storedBytes ?? NaN),
      ],
    ];
  });
  const heads = [
    ...['S3 requests', 'snapshots', 'segments', 'requests', 'per snapshot'],
    ...['by kind', 'object MB', 'stored MB'],
  ];
  return rows.length === 0 ? [] : [...table(heads, rows), ''];
}

function verdicts(judged: readonly Target[]): readonly string[] {
  const rows = judged.map((line) => [
    line.what,
    line.against,
    line.reach,
    line.ours,
    line.peer,
    line.ratio === undefined ? '–' : line.ratio.toFixed(2),
    line.verdict,
  ]);
  return table(['what', 'against', 'reach', 'holdfast', 'peer', 'ratio', 'verdict'], rows);
}

function megabytes(bytes: number): string {
  return Number.isNaN(bytes) ? '–' : (bytes / MB).toFixed(1);
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(heads), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)];
}
