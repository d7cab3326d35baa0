/**
 * The approval of a plan by a second person: a signed statement of another operator than the one who made the plan. It
 * goes as it is into the ledger and into the receipt, so that anybody can check it later.
 */
import { z } from 'zod';
import type { openpgp } from '../../openpgp/library.ts';
import { signStatement, verifyStatement } from '../../openpgp/statement.ts';
import type { Trust } from '../../openpgp/trust.ts';
import { approvalUnfit } from '../errors.ts';
import type { PurgePlan } from '../plan/request.ts';

/** What the ledger takes of one. */
const APPROVAL_BYTES_MAX = 16_384;

const schema = z.looseObject({
  format: z.literal(1),
  kind: z.literal('purge-approval'),
  store: z.uuid(),
  set: z.string(),
  /** Of the purge. */
  id: z.string(),
  /** Of the plan as a file. */
  plan: z.string().regex(/^[0-9a-f]{64}$/),
  /** Fingerprint of the key that signed the plan. */
  planner: z.string(),
  /** By the clock of whoever approved. */
  time: z.iso.datetime(),
});

export interface Approval extends z.infer<typeof schema> {
  /** Fingerprint of the key that approved. */
  readonly signer: string;
  /** The statement itself. */
  readonly text: string;
}

/**
 * Approves a plan.
 * @param signer - not the one who signed the plan
 * @throws HoldfastError APPROVAL_UNFIT
 */
export async function signApproval(
  { store, set, id, sha256, signer: planner }: PurgePlan,
  signer: openpgp.PrivateKey,
  now: Date,
): Promise<Buffer> {
  if (signer.getFingerprint() === planner)
    throw approvalUnfit('the key that made the plan cannot approve it', set);
  const statement = { format: 1, kind: 'purge-approval', store, set, id, plan: sha256, planner };
  return signStatement({ ...statement, time: now.toISOString() }, signer);
}

/**
 * Reads an approval, whose signer must be another one than the planner.
 * @param about - what it has to approve
 * @throws HoldfastError APPROVAL_UNFIT, SIGNATURE_BAD, SIGNER_NOT_TRUSTED, DAMAGED
 */
export async function readApproval(
  text: string,
  operators: Trust,
  about: { readonly store: string; readonly set: string; readonly id: string; readonly plan: string },
): Promise<Approval> {
  const { set } = about;
  const what = `the approval of purge ${about.id}`;
  if (Buffer.byteLength(text) > APPROVAL_BYTES_MAX) throw approvalUnfit('it is too large', set);
  const { value, signer } = await verifyStatement(Buffer.from(text, 'utf8'), operators, what);
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw approvalUnfit('it is not an approval of a purge', set);
  const { data } = parsed;
  for (const field of ['store', 'set', 'id', 'plan'] as const)
    if (data[field] !== about[field]) throw approvalUnfit(`it is for another plan (${field})`, set);
  if (signer === data.planner) throw approvalUnfit('the key that made the plan has approved it', set);
  return { ...data, signer, text };
}
