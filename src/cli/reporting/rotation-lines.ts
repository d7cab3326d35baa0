/** What `keys rotate` says: of what it would do, and of what came of it. */
import type { LeftAlone, RotationPlan } from '../../rotate/plan.ts';
import type { RotationReport } from '../../rotate/rotate.ts';
import type { CliContext } from '../context.ts';
import { formatBytes, formatPlural } from '../terminal/format.ts';

/** What is to be done, without what is left as it is. */
export function showPlan({ output }: CliContext, set: string, plan: RotationPlan, recipients: number): void {
  const { reseal, settled, leave, resumes } = plan;
  const bytes = reseal.reduce((sum, { current }) => sum + current.bytes, 0);
  output.line(
    `${set}: ${formatPlural(reseal.length, 'manifest')} (${formatBytes(bytes)}) to seal to ${formatPlural(recipients, 'recipient')}, ` +
      `${settled} sealed to them already${resumes ? '; goes on with an unfinished rotation' : ''}`,
  );
  output.record({
    type: 'plan',
    set,
    reseal: reseal.map(({ item, revision, days }) => ({ snapshot: item.entry.snapshot, revision, days })),
    settled,
    leave,
    bytes,
  });
}

/** Which snapshots stay as they are, and why. */
export function showLeft(
  { output }: CliContext,
  set: string,
  left: readonly Pick<LeftAlone, 'snapshot' | 'why'>[],
): void {
  for (const { snapshot, why } of left) output.line(`${set}: ${snapshot} is left as it is: ${why}`);
}

/** What was done, and what is still to do. */
export function showReport(context: CliContext, report: RotationReport): void {
  const { output } = context;
  const { set, resealed, removed, left, stuck, copies, bytesWritten, complete } = report;
  showLeft(context, set, left);
  for (const { key, reason } of stuck) output.line(`${set}: ${key} is still there: ${reason}`);
  for (const text of copies) output.line(`${set}: ${text}`);
  output.line(
    `${set}: ${formatPlural(resealed, 'manifest')} sealed anew (${formatBytes(bytesWritten)}), ${formatPlural(removed, 'old object')} removed` +
      (complete ? '' : `; NOT COMPLETE: a former recipient can still open something; ${remedyOf(report)}`),
  );
  output.record({ ...report, type: 'rotation' });
}

function remedyOf({ stuck, unopened }: RotationReport): string {
  const remedies = [
    ...(unopened.length > 0
      ? ['give a key that opens what is left with --key, or wait until that has ended']
      : []),
    ...(stuck.length > 0
      ? ['remove what is locked with --bypass-governance, or when its lock has ended']
      : []),
  ];
  return remedies.length === 0 ? 'run this again' : remedies.join('; ');
}
