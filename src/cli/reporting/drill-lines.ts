/** What a drill says to people. */
import type { DrillResult } from '../../drill/drill.ts';
import { DRILL_STAGES } from '../../repository/drills.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatDuration, formatPlural, printable } from '../terminal/format.ts';

const WORDS: Readonly<Record<DrillResult['outcome'], string>> = {
  verified: 'VERIFIED',
  failed: 'FAILED',
  'not-run': 'COULD NOT BE DRILLED',
};

/** Says it; problems first. */
export function showDrill({ output }: CliContext, result: DrillResult): void {
  const { set, snapshot, outcome, problems, notes, server, loaded, checks, purges } = result;
  const style = outcome === 'verified' ? 'green' : 'red';
  const into = server === undefined ? '' : `, in ${server}`;
  output.line(`${set}@${snapshot}: ${output.paint(style, WORDS[outcome])}${into}`);
  for (const problem of problems) {
    const word = problem.outcome === 'failed' ? 'PROBLEM' : 'UNKNOWN';
    output.line(printable(`${word}     ${problem.code}: ${problem.message}`));
    output.line(printable(`            ${problem.hint}`));
  }
  if (loaded)
    output.line(
      `rows        ${formatPlural(loaded.tables, 'table')}, ${formatPlural(loaded.rows, 'row')}, ${formatBytes(loaded.bytes)}: the counts match the snapshot`,
    );
  for (const { name, verdict, found } of checks)
    if (verdict !== 'failed') output.line(printable(`check       ${name}: ${found}`));
  if (purges > 0 && loaded)
    output.line(`people      looked for those of ${formatPlural(purges, 'purge')} while loading`);
  for (const note of notes) output.line(printable(`note        ${note}`));
  showTimes(output, result);
}

function showTimes(output: CliContext['output'], { stages, rtoMs, rpoMs, outcome }: DrillResult): void {
  const parts = DRILL_STAGES.flatMap((stage) => {
    const ms = stages[stage];
    return ms === undefined ? [] : [`${stage} ${formatDuration(ms)}`];
  });
  const rto = rtoMs === undefined ? 'not measured' : formatDuration(rtoMs);
  if (outcome === 'verified' || rtoMs !== undefined)
    output.line(`RTO         ${rto} (find, open, load); ${parts.join(', ')}`);
  output.line(`RPO         ${formatDuration(rpoMs)}: the age of the newest snapshot`);
}
