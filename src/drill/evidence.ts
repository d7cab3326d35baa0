/** What a drill says in the ledger, where everybody can read it: numbers and codes, no names of tables and nothing of rows. */
import { randomBytes } from 'node:crypto';
import { isHoldfastError } from '../errors.ts';
import type { openpgp } from '../openpgp/library.ts';
import { drillsOf } from '../repository/drills.ts';
import type { DrillEvent, DrillRecord } from '../repository/drills.ts';
import { appendLedger } from '../repository/ledger-writer.ts';
import type { Session } from '../repository/session.ts';
import type { Store } from '../stores/store.ts';
import type { DrillResult } from './findings.ts';

/** The event. Pure. */
function eventOf(result: DrillResult, id: string, manifest: string): DrillEvent {
  const { rtoMs, server, ownServer, loaded, checks } = result;
  const count = (verdict: string) => checks.filter((check) => check.verdict === verdict).length;
  return {
    type: 'drill',
    note: true,
    id,
    snapshot: result.snapshot,
    manifest,
    picked: result.picking,
    outcome: result.outcome,
    reasons: [...new Set(result.problems.map(({ code }) => code))].sort(),
    started: result.started,
    stages: result.stages,
    ...(rtoMs !== undefined && { rto_ms: rtoMs }),
    rpo_ms: result.rpoMs,
    ...(server !== undefined && ownServer !== undefined && serverOf(server, ownServer)),
    ...(loaded && { tables: loaded.tables, rows: loaded.rows, bytes: loaded.bytes }),
    ...(checks.length > 0 && {
      checks: { passed: count('passed'), failed: count('failed'), unknown: count('unknown') },
    }),
    purges: result.purges,
  };
}

/** Where somebody's server is, is nobody else's business. */
function serverOf(name: string, isOwn: boolean): Pick<DrillEvent, 'server' | 'own_server'> {
  return isOwn
    ? { server: name.replace(/, a server of its own$/, '').slice(0, 100), own_server: true }
    : { own_server: false };
}

const TRIES = 5;

/**
 * The chain of an operator's drills: another one than that of their purges, since drills take no lease. Where a store
 * cannot refuse to replace, a drill that comes late must not lie where a purge has written.
 */
function chainOf(signer: openpgp.PrivateKey): string {
  return `drill-${signer.getFingerprint().slice(0, 16)}`;
}

/**
 * Signs it and appends it.
 * @param manifest - SHA-256 of the sealed manifest that was opened
 * @param signer - an operator's key, which the caller has made sure of
 * @returns the line as it was read back
 * @throws HoldfastError LEDGER_CONFLICT when others write all the time, LEDGER_BROKEN, and what the store throws
 */
export async function recordDrill(
  session: Session<Store>,
  { result, manifest, signer }: { result: DrillResult; manifest: string; signer: openpgp.PrivateKey },
  signal: AbortSignal,
): Promise<DrillRecord> {
  const event = eventOf(result, randomBytes(8).toString('hex'), manifest);
  for (let tries = 1; ; tries++)
    try {
      const ledger = await appendLedger(session, result.set, chainOf(signer), signer, event, signal);
      const record = drillsOf(ledger, session.operators).findLast(({ id }) => id === event.id);
      if (record === undefined) throw new Error('the ledger does not show the drill that was appended');
      return record;
    } catch (error) {
      if (!isHoldfastError(error, 'LEDGER_CONFLICT') || tries === TRIES) throw error;
    }
}
