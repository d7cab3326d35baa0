/** What lies in the store, as counts: without the names of sets, writers and snapshots. */
import type { Config } from '../../config/config.ts';
import { isHoldfastError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { anonymous } from './support-config.ts';
import { openConfiguredSession } from '../wiring.ts';

/** Never fails: that the store does not answer is what somebody wants help with. */
export async function storeFacts(context: CliContext, config: Config): Promise<object> {
  try {
    await using opened = await openConfiguredSession(context);
    const { session } = opened;
    const sets: object[] = [];
    for (const [index, name] of [...config.sets.keys()].entries())
      sets.push(await told(() => setFacts(context, session, name, anonymous(index)), anonymous(index)));
    return {
      format: session.header.format,
      now: (await session.store.now(context.signal)).toISOString(),
      sets,
    };
  } catch (error) {
    return failed(error);
  }
}

async function setFacts(
  { signal }: CliContext,
  session: Awaited<ReturnType<typeof openConfiguredSession>>['session'],
  name: string,
  set: string,
): Promise<object> {
  const { readCatalog } = await import('../../repository/catalog.ts');
  const { readLedger } = await import('../../repository/ledger.ts');
  const { scrubbedCode } = await import('../../support/scrub.ts');
  const ledger = await readLedger(session, name, signal);
  const { entries, failures } = await readCatalog(session, name, ledger, signal);
  const newest = entries.map(({ entry }) => entry).toSorted((a, b) => (a.time < b.time ? 1 : -1))[0];
  return {
    set,
    snapshots: entries.length,
    writers: new Set(entries.map(({ entry }) => entry.writer)).size,
    unreadable: failures.map(
      ({ error }) => scrubbedCode(isHoldfastError(error) ? error.code : '') ?? 'other',
    ),
    newest: newest && { time: newest.time, full: newest.full, counts: newest.counts },
    ledger: Object.fromEntries(
      [...Map.groupBy(ledger.lines, ({ event }) => event.type)]
        .filter(([type]) => KNOWN_EVENTS.has(type))
        .map(([type, lines]) => [type, lines.length]),
    ),
  };
}

const KNOWN_EVENTS = new Set([
  ...['rotation-intent', 'amended', 'rotation-done', 'purge-intent', 'purge-done', 'suppression-override'],
  ...['drill', 'seal-begun', 'sealed'],
]);

async function told(look: () => Promise<object>, set: string): Promise<object> {
  try {
    return await look();
  } catch (error) {
    return { set, ...failed(error) };
  }
}

function failed(error: unknown): object {
  if (isHoldfastError(error, 'CANCELLED') || !isHoldfastError(error)) throw error;
  return { failed: error.code };
}
