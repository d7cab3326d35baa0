/** `holdfast purge list`: what was asked for, and what is left of it. */
import { setsOf } from '../../config/config.ts';
import type { PurgeRequest } from '../../purge/evidence/requests.ts';
import type { CliContext } from '../context.ts';
import { formatPlural, printable } from '../terminal/format.ts';
import { openConfiguredSession } from '../wiring.ts';

export async function listRequests(context: CliContext, names: readonly string[]): Promise<void> {
  const { readLedger } = await import('../../repository/ledger.ts');
  const { readCatalog } = await import('../../repository/catalog.ts');
  const { purgesOf } = await import('../../repository/purges.ts');
  const { requestsOf } = await import('../../purge/evidence/requests.ts');
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
