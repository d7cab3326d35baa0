/** Runs as Prometheus reads them: https://prometheus.io/docs/instrumenting/exposition_formats/. Pure. */
import type { KnownRun } from './known-runs.ts';

interface Family {
  readonly name: string;
  readonly help: string;
  readonly value: (run: KnownRun) => number | undefined;
}

/** Of every verb; labels: verb and set. */
const COMMON: readonly Family[] = [
  {
    name: 'holdfast_last_run_timestamp_seconds',
    help: 'When the last run ended, whatever came of it.',
    value: ({ time }) => time,
  },
  {
    name: 'holdfast_last_run_success',
    help: '1 when the last run did what it should, else 0.',
    value: ({ success }) => Number(success),
  },
  {
    name: 'holdfast_last_run_duration_seconds',
    help: 'How long the last run took.',
    value: ({ duration }) => duration,
  },
  {
    name: 'holdfast_last_success_timestamp_seconds',
    help: 'When the last run that did what it should ended; absent when there was none.',
    value: ({ lastSuccess }) => lastSuccess,
  },
];

/** What the figures of the last success mean, by verb; label: set. Others are not shown. */
const FIGURES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  backup: {
    read_bytes: 'Bytes of the dump of the newest snapshot.',
    new_bytes: 'Bytes that the newest snapshot added to the store.',
    segments: 'Segments of the newest snapshot.',
    new_segments: 'Segments of the newest snapshot that the store did not have.',
    readable_until_timestamp_seconds: 'Until when the newest snapshot can be restored at least.',
  },
  copy: { copied_bytes: 'Bytes that the last run brought to the copies.' },
  drill: {
    rto_seconds: 'How long the restore of the last drill took.',
    rpo_seconds: 'How old the newest snapshot was when the last drill began.',
    rows: 'Rows that the last drill restored.',
  },
  expire: { removed_objects: 'Objects that the last run removed.' },
  purge: { rewritten_snapshots: 'Snapshots that the last purge wrote anew.' },
  verify: { sound_snapshots: 'Snapshots in which the last run found nothing wrong.' },
};

/** The page. Each family stands together, under its help and type. */
export function exposition(runs: readonly KnownRun[]): string {
  const common = COMMON.map(({ name, help, value }) =>
    family(name, help, runs, value, ({ verb, set }) => ({ verb, set })),
  );
  const figures = Object.entries(FIGURES).flatMap(([verb, of]) =>
    Object.entries(of).map(([figure, help]) =>
      family(
        `holdfast_${verb}_${figure}`,
        help,
        runs.filter((run) => run.verb === verb),
        (run) => run.figures[figure],
        ({ set }) => ({ set }),
      ),
    ),
  );
  return [...common, ...figures].join('');
}

function family(
  name: string,
  help: string,
  runs: readonly KnownRun[],
  value: Family['value'],
  labels: (run: KnownRun) => Readonly<Record<string, string>>,
): string {
  const samples = runs.flatMap((run) => {
    const number = value(run);
    return number === undefined ? [] : [`${name}{${labelText(labels(run))}} ${number}\n`];
  });
  if (samples.length === 0) return '';
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${samples.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`))}"`)
    .join(',');
}
