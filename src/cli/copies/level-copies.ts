/** After a rotation or a purge: what the copies have already is brought level, and what was replaced goes there too. */
import type { SetConfig } from '../../config/config.ts';
import { isSurvivable } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { copyStateDir, openCopies } from './copies.ts';
import type { OpenedSession } from '../wiring.ts';

export interface LevelCopiesOptions {
  /** Remove what was replaced also where governance locks it. */
  readonly bypassGovernance: boolean;
  /** The caller holds the lease of the set. */
  readonly underLease: boolean;
}

/**
 * Brings the snapshots that copies have already to the revision that counts, and removes the old ones there. New
 * snapshots are left to `holdfast copy`. The caller has committed in the ledger of the set.
 * @returns what could not be done, as sentences without a full stop; empty: every copy is level
 */
export async function levelCopies(
  context: CliContext,
  { config, session }: OpenedSession,
  set: SetConfig,
  { bypassGovernance, underLease }: LevelCopiesOptions,
  signal: AbortSignal,
): Promise<string[]> {
  const { copySet } = await import('../../copy/copy.ts');
  const undone: string[] = [];
  for (const replica of set.replicas) {
    const { name } = replica;
    try {
      await using opened = await openCopies(context, config, { ...set, replicas: [replica] });
      const [copy] = opened.copies;
      if (!copy) continue;
      const { store: destination } = copy.session;
      const report = await copySet(
        {
          ...{ source: session, destination, set: set.name },
          stateDir: copyStateDir(config, replica),
          ...(set.objectLock && { lock: set.objectLock }),
          ...{ onlyKnown: true, underLease, bypassGovernance },
          ...{ onPlan: () => undefined, onPut: () => undefined, onRemoved: () => undefined },
          onNote: (text) => context.output.note(text),
        },
        signal,
      );
      undone.push(...report.problems.map(({ about, text }) => `copy ${name}: ${about}: ${text}`));
    } catch (error) {
      if (!isSurvivable(error)) throw error;
      undone.push(`copy ${name}: ${error.message}`);
    }
  }
  return undone;
}
