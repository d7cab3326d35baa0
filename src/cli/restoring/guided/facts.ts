/** What can be restored, of all sets: read from the store, or from a copy, without any key. */
import { reasonOf } from '../../../errors.ts';
import { readCatalog } from '../../../repository/catalog.ts';
import { drillsOf } from '../../../repository/drills.ts';
import { readLedger } from '../../../repository/ledger.ts';
import type { CliContext } from '../../context.ts';
import { sessionsFor } from '../../copies/copies.ts';
import type { CopyOption } from '../../options.ts';
import type { SetFacts } from './choices.ts';

/** In the order of the configuration; `now` is the store's clock. */
export async function readSetFacts(
  context: CliContext,
  { copy }: CopyOption,
): Promise<{ readonly sets: readonly SetFacts[]; readonly now: Date }> {
  const config = await context.config();
  const all = [...config.sets.values()];
  const facts: SetFacts[] = [];
  let now = new Date();
  for await (const { opened, sets } of sessionsFor(context, all, { copy, named: false, more: [] })) {
    const { session } = opened;
    now = await session.store.now(context.signal);
    for (const { name, source } of sets) {
      const ledger = await readLedger(session, name, context.signal);
      const catalog = await readCatalog(session, name, ledger, context.signal);
      for (const { key, error } of catalog.failures) context.output.warn(`${key}: ${reasonOf(error)}`);
      const entries = catalog.entries.filter(({ entry }) => new Date(entry.end) > now);
      facts.push({ name, source, entries, drills: drillsOf(ledger, session.operators) });
    }
  }
  return { sets: facts, now };
}
