/** `holdfast purge approve`: a second person looks at a plan, and signs that it may be carried out. */
import { resolve } from 'node:path';
import type { PurgePlan } from '../../purge/plan/request.ts';
import type { CliContext } from '../context.ts';
import { formatPlural, printable } from '../terminal/format.ts';
import { readInput } from '../terminal/input.ts';
import { tablesLine } from '../people/plan-lines.ts';
import { mustBeMeant } from './purge-confirm.ts';
import { privacyOfficer, writePrivate } from './purge-keys.ts';
import type { OfficerFlags } from './purge-keys.ts';

export interface ApproveFlags extends OfficerFlags {
  readonly yes?: boolean;
  readonly output: string;
}

export async function approvePlan(context: CliContext, file: string, flags: ApproveFlags): Promise<void> {
  const { openPlan } = await import('../../purge/plan/request.ts');
  const { signApproval } = await import('../../purge/apply/approval.ts');
  const { mustBeOperator } = await import('../../purge/apply/run.ts');
  const { otherPlan } = await import('../../purge/errors.ts');
  const { output } = context;
  await using officer = await privacyOfficer(context, flags);
  const { opened, opener, signer } = officer;
  const { session, keys } = opened;
  const sealed = await readInput(file, 'Name the file that purge plan wrote.');
  const plan = await openPlan(sealed, opener, session.operators, file);
  if (plan.store !== session.id) throw otherPlan(file, `it is for store ${plan.store}`);
  mustBeOperator({ ...keys, signer });
  const approval = await signApproval(plan, signer, new Date());
  await showPlan(context, plan);
  const question = `Approve the erasure of ${plan.alias} from ${plan.set}?`;
  await mustBeMeant(context, { question, set: plan.set, yes: flags.yes === true });
  const to = resolve(flags.output);
  await writePrivate(to, approval);
  output.line(`wrote ${to}: holdfast purge apply ${file} --approve ${flags.output} -o RECEIPT.json`);
  output.summary({ set: plan.set, id: plan.id, approval: to, signer: signer.getFingerprint() });
}

/** What is approved. Of whom it is about the key is said, and nothing else that the plan knows of them. */
async function showPlan({ output }: CliContext, plan: PurgePlan): Promise<void> {
  const { set, whole, snapshots, signer, time, ref } = plan;
  output.line(`${set}: planned by ${signer} at ${time}${ref === undefined ? '' : `, ${printable(ref)}`}`);
  const about = whole ? 'everything that the set has' : await keysIn(plan);
  output.line(`${set}: about ${printable(about)}, in ${formatPlural(snapshots.length, 'snapshot')}`);
  for (const { snapshot, tables } of whole ? [] : snapshots)
    output.line(`${snapshot}: ${tablesLine(tables)}`);
  output.record({ type: 'plan', set, id: plan.id, ref, whole, time, planner: signer, snapshots });
}

async function keysIn({ map, subjects }: PurgePlan): Promise<string> {
  const { parseSubjectMap } = await import('../../subjects/parse.ts');
  const { subject, root } = parseSubjectMap(map, 'the plan').map;
  const keys = subjects.flatMap(({ known }) => {
    const values = root.key.map((column) => known.get(column));
    return values.includes(undefined) ? [] : [`${subject}=${values.join(',')}`];
  });
  return keys.length === 0 ? `a ${subject} who is in no snapshot` : [...new Set(keys)].sort().join(', ');
}
