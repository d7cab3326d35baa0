/** `holdfast purge list` and `verify`: what was asked for, what is left of it, and whether a receipt holds. */
import { setOf, setsOf } from '../../config/config.ts';
import type { PurgeRequest } from '../../purge/requests.ts';
import type { CliContext } from '../context.ts';
import { formatPlural, printable } from '../format.ts';
import { readInput } from '../input.ts';
import { openConfiguredSession, readConfiguredKeys } from '../wiring.ts';

export async function listRequests(context: CliContext, names: readonly string[]): Promise<void> {
  const { readLedger } = await import('../../repository/ledger.ts');
  const { readCatalog } = await import('../../repository/catalog.ts');
  const { purgesOf } = await import('../../repository/purges.ts');
  const { requestsOf } = await import('../../purge/requests.ts');
  const { output, signal } = context;
  const config = await context.config();
  await using opened = await openConfiguredSession(context);
  const { session } = opened;
  const overdue: string[] = [];
  let count = 0;
  for (const { name } of setsOf(config, names)) {
    const ledger = await readLedger(session, name, signal);
    const { entries } = await readCatalog(session, name, ledger, signal);
    const now = await session.store.now(signal);
    const purges = purgesOf(ledger, session.operators);
    for (const request of requestsOf(purges, entries, config.promises.erasureWithinDays, now)) {
      count++;
      if (request.overdue) overdue.push(request.id);
      output.line(`${name}: ${printable(describe(request))}`);
      output.record({ ...request, type: 'request', set: name });
    }
  }
  if (count === 0) output.line('no requests');
  if (overdue.length > 0) context.exit('failed');
  output.summary({ requests: count, overdue });
}

function describe({
  id,
  ref,
  subject,
  state,
  since,
  doneAt,
  due,
  overdue,
  unreached,
  pending,
}: PurgeRequest): string {
  return [
    `${state.toUpperCase()} ${id}${ref === undefined ? '' : ` (${ref})`}: ${subject}, since ${since}`,
    ...(doneAt === undefined ? [] : [`done ${doneAt}`]),
    ...(due === undefined || state === 'done' ? [] : [`due ${due}${overdue ? ', OVERDUE' : ''}`]),
    ...(unreached.length === 0 ? [] : [`${formatPlural(unreached.length, 'snapshot')} not reached`]),
    ...(pending.length === 0 ? [] : [`not known yet to have seen it: ${pending.join(', ')}`]),
  ].join('; ');
}

export async function verifyFile(
  context: CliContext,
  file: string,
  { offline }: { readonly offline?: boolean },
): Promise<void> {
  const { readReceipt } = await import('../../purge/receipt.ts');
  const { Trust } = await import('../../openpgp/trust.ts');
  const { output } = context;
  const config = await context.config();
  const { recipients, formerRecipients, purgeSigners } = await readConfiguredKeys(config);
  const operators = new Trust([...recipients, ...formerRecipients, ...purgeSigners]);
  const signed = await readReceipt(
    await readInput(file, 'Name the receipt that `holdfast purge apply` wrote.'),
    operators,
    file,
  );
  const { id, set, finished } = signed.receipt;
  output.line(`${file}: signed by ${signed.signer}; purge ${id} of ${set}, finished ${finished}`);
  const found = offline === true ? { problems: [], notes: [] } : await compare(context, signed);
  for (const text of found.problems) output.line(`PROBLEM  ${printable(text)}`);
  for (const text of found.notes) output.line(`note     ${printable(text)}`);
  if (offline !== true && found.problems.length === 0) output.line('the store is as it says');
  if (found.problems.length > 0) context.exit('verification');
  output.record({ type: 'receipt', file, signer: signed.signer, ...found, receipt: signed.receipt });
  output.summary({ set, id, problems: found.problems.length, offline: offline === true });
}

async function compare(
  context: CliContext,
  signed: Awaited<ReturnType<typeof import('../../purge/receipt.ts').readReceipt>>,
) {
  const { verifyReceipt } = await import('../../purge/verify.ts');
  const { openCopies } = await import('../copies.ts');
  await using opened = await openConfiguredSession(context);
  const { session, config } = opened;
  const set = setOf(config, signed.receipt.set);
  await using copies = await openCopies(context, config, set);
  const places = copies.copies.map((copy) => ({ name: copy.name, store: copy.session.store }));
  return await verifyReceipt({ session, signed, copies: places }, context.signal);
}
