/** Whether a run may begin, or go on, where two people have to want it. */
import { Trust } from '../../openpgp/trust.ts';
import type { PurgeRecord } from '../../repository/purges.ts';
import { intentEvent } from './announce.ts';
import { readApproval } from './approval.ts';
import { approvalNeeded, approvalUnfit } from '../errors.ts';
import { append } from './run.ts';
import type { Run } from './run.ts';

/**
 * The approval of a run that applies a plan: the one that was given, or the one that the ledger has. One that is given
 * for a purge which was announced without goes into the ledger now.
 * @throws HoldfastError APPROVAL_NEEDED, and what `readApproval` throws
 */
export async function mustBeApproved(
  run: Run,
  record: PurgeRecord | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { plan, session, set, approval, twoPerson, recipients, purgeSigners } = run;
  const about = { store: session.id, set, id: plan.id, plan: plan.sha256 };
  if (approval !== undefined) {
    // It has to come from somebody who may act now.
    const { planner } = await readApproval(approval, new Trust([...recipients, ...purgeSigners]), about);
    if (planner !== plan.signer) throw approvalUnfit('it names another planner than the plan', set);
    if (record && record.approval === undefined)
      await append(run, intentEvent(plan, [], [], { suppression: record.suppression, approval }), signal);
  } else if (record?.approval !== undefined) await readApproval(record.approval, session.operators, about);
  else if (twoPerson) throw approvalNeeded(set, plan.id);
}
