/** A report in words. Pure. */
import type { RunReport, SetReport } from './monitor.ts';

/** One line: `backup failed on db1: shop (of 3 sets)`. */
export function headline({ verb, host, outcome, sets }: RunReport): string {
  if (outcome === 'success') return `${verb} succeeded on ${host}: ${namesOf(sets)}`;
  const failed = sets.filter((one) => one.outcome === 'failure');
  const of = failed.length === sets.length ? '' : ` (of ${sets.length} sets)`;
  return `${verb} FAILED on ${host}: ${namesOf(failed)}${of}`;
}

const NAMES_MAX = 5;

function namesOf(sets: readonly SetReport[]): string {
  const names = sets.slice(0, NAMES_MAX).map(({ set }) => set);
  return sets.length > NAMES_MAX
    ? `${names.join(', ')} and ${sets.length - NAMES_MAX} more`
    : names.join(', ');
}

/** A line for each set, failures first, with the code of what was wrong and nothing that it says. */
export function outline({ sets }: RunReport): readonly string[] {
  return failuresFirst(sets).map(
    ({ set, outcome, error, snapshot, durationMs }) =>
      `${set}: ${outcome === 'success' ? 'ok' : (error?.code ?? 'failed')}${
        snapshot === undefined ? '' : `, ${snapshot}`
      }, ${seconds(durationMs)}`,
  );
}

/** As `outline`, with what was wrong and what to do: for those who may read it. */
export function details({ sets }: RunReport): readonly string[] {
  return failuresFirst(sets).flatMap(({ set, outcome, snapshot, durationMs, figures, error }) => {
    const facts = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
    const about = [...(snapshot === undefined ? [] : [snapshot]), seconds(durationMs), ...facts].join(', ');
    const first = `${set}: ${outcome === 'success' ? 'ok' : 'FAILED'}, ${about}`;
    return error === undefined ? [first] : [first, `  ${error.code}: ${error.message}`, `  ${error.hint}`];
  });
}

function failuresFirst(sets: readonly SetReport[]): readonly SetReport[] {
  return sets.toSorted((a, b) => Number(a.outcome === 'success') - Number(b.outcome === 'success'));
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
