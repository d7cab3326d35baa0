/** What a report says of exports that were sealed: the lines of their own ledger. */
import { isHoldfastError } from '../errors.ts';
import { SEALED } from '../repository/layout.ts';
import { readLedger } from '../repository/ledger.ts';
import { sealEvents } from '../repository/sealed.ts';
import type { SealEvent } from '../repository/sealed.ts';
import type { Session } from '../repository/session.ts';
import type { Store } from '../stores/store.ts';
import type { ExportFact, ExportsFact } from './facts.ts';

/** Reads and verifies that ledger. One that does not hold is a fact, too. */
export async function gatherExports(session: Session<Store>, signal: AbortSignal): Promise<ExportsFact> {
  try {
    const events = sealEvents(await readLedger(session, SEALED, signal));
    const byId = Map.groupBy(events, ({ id }) => id);
    return { problem: undefined, exports: [...byId.values()].flatMap(exportFact) };
  } catch (error) {
    if (!isHoldfastError(error) || error.exit !== 'verification') throw error;
    return { problem: error.message, exports: [] };
  }
}

/** Of what was begun and then finished, the last line says all. */
function exportFact(events: readonly SealEvent[]): ExportFact[] {
  const [first] = events;
  const done = events.findLast((event) => event.type === 'sealed');
  const about = done ?? first;
  if (!about) return [];
  const { id, ref, time, recipients, signer } = about;
  return [
    {
      ...{ id, ref, time, recipients, signer },
      to: done?.to,
      bytes: done?.bytes,
      sha256: done?.sha256,
      end: done?.stored?.end,
    },
  ];
}
