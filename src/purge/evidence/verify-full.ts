/**
 * Checking a purge by doing what somebody would do who wanted to find the person: whatever manifest can be opened is
 * opened, everything that it leads to is searched for them without the help of any index, and the newest and the oldest
 * snapshot that was written anew are restored for real.
 */
import { reasonOf } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import { purgesOf } from '../../repository/purges.ts';
import type { Session } from '../../repository/session.ts';
import { mustBeApplicable, viewSet } from '../../restore/open.ts';
import type { SetView } from '../../restore/open.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { Store } from '../../stores/store.ts';
import { parseSubjectMap } from '../../subjects/parse.ts';
import { listSuppression } from '../../suppression/objects.ts';
import type { Suppression } from '../../suppression/objects.ts';
import { readSuppressions } from '../../suppression/read.ts';
import { identifiersOf } from '../scan/identifiers.ts';
import type { Receipt } from './receipt.ts';
import { mustGoOn } from './verify-findings.ts';
import type { Findings } from './verify-findings.ts';
import { nobodyIn } from './verify-nobody.ts';
import { restoreForReal } from './verify-restore.ts';
import type { RestoreTools, TriedRestore } from './verify-restore.ts';
import { searchStrays } from './verify-strays.ts';

export interface FullCheckOptions extends RestoreTools {
  readonly session: Session<Store>;
  readonly receipt: Receipt;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  /** Places beside the store itself. */
  readonly copies: readonly { readonly name: string; readonly store: Store }[];
  readonly onStep: (text: string) => void;
  readonly onProgress: (bytes: number, what: string) => void;
}

export interface FullFindings {
  readonly problems: readonly string[];
  /** True, and worth knowing. */
  readonly notes: readonly string[];
  /** What could not be checked: without it, nobody may say that all is well. */
  readonly unchecked: readonly string[];
  readonly restored: readonly TriedRestore[];
  /** Segments that were opened and searched, and their bytes of plaintext. */
  readonly searched: { readonly segments: number; readonly bytes: number };
}

/**
 * Checks it.
 * @throws HoldfastError what reading ledger and entries throws, CANCELLED; what is wrong is a finding, not an error
 */
export async function verifyFull(options: FullCheckOptions, signal: AbortSignal): Promise<FullFindings> {
  const { session, receipt } = options;
  const findings: Findings = { problems: [], notes: [], unchecked: [], searched: { segments: 0, bytes: 0 } };
  const restored: TriedRestore[] = [];
  const view = await viewSet(session, receipt.set, false, signal);
  mustBeApplicable(view);
  const purge = purgesOf(view.ledger, session.operators).find(({ id }) => id === receipt.id);
  if (purge === undefined) findings.problems.push('the ledger does not know of it');
  else if (purge.isWhole) findings.notes.push('all of the set was erased: there is nothing to look into');
  else {
    const about = await readAbout(options, view, findings, signal);
    if (about) await search(options, view, about, findings, signal);
    restored.push(...(await restoreForReal(options, view, findings, signal)));
  }
  return { ...findings, restored };
}

/** Whom it was about: only the sealed suppression says so. */
async function readAbout(
  { session, receipt: { set, id }, opener }: FullCheckOptions,
  { ledger, now }: SetView,
  findings: Findings,
  signal: AbortSignal,
): Promise<Suppression | undefined> {
  try {
    const listed = await listSuppression(session.store, set, signal);
    const wanted = purgesOf(ledger, session.operators).filter((one) => one.id === id);
    const [found] = await readSuppressions(session, set, wanted, { opener, now, listed }, signal);
    if (!found)
      findings.unchecked.push('whom it was about is not written anywhere any more: its end has come');
    return found;
  } catch (error) {
    mustGoOn(error, signal);
    findings.unchecked.push(`whom it was about cannot be read: ${reasonOf(error)}`);
    return undefined;
  }
}

async function search(
  options: FullCheckOptions,
  view: SetView,
  about: Suppression,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { map } = parseSubjectMap(about.map, 'the map of the purge');
  const identifiers = identifiersOf(about.subjects, map);
  if (identifiers.values === 0)
    findings.unchecked.push(
      `nothing of them is long enough to be looked for in free text (${identifiers.tooShort.join(', ')})`,
    );
  await nobodyIn({ ...options, about, identifiers }, view, findings, signal);
  options.onStep('opening every other manifest that is there');
  await searchStrays({ ...options, identifiers }, view, findings, signal);
}
