/** From a name to an opened snapshot: every check that stands between a store and trusting what it gives. */
import type { MessageOpener } from '../openpgp/message.ts';
import { damaged } from '../openpgp/errors.ts';
import { currentOf, newestByWriter, readCatalog } from '../repository/catalog.ts';
import type { Catalog, CatalogEntry } from '../repository/catalog.ts';
import { sha256Hex } from '../repository/entry.ts';
import { boundElsewhere, missingManifest, rolledBack } from '../repository/errors.ts';
import { checkLedgerCovers, readLedger } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { isApplicable } from '../repository/ledger-events.ts';
import { checkBinding, parseManifest } from '../repository/manifest.ts';
import type { Manifest } from '../repository/manifest.ts';
import { erasedUntil } from '../repository/purges.ts';
import { acceptSeen, findRollback, readSeen, rememberSeen } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { isHoldfastError } from '../errors.ts';
import { latestUncertain, ledgerNeedsMore } from './errors.ts';

export { currentOf };

export interface SetView {
  readonly set: string;
  readonly catalog: Catalog;
  readonly ledger: Ledger;
  /** The store's clock. */
  readonly now: Date;
}

/**
 * Looks at a set before anything is read from it: ledger first, then entries, then both against what this machine
 * has seen before.
 * @param acceptRollback - a person has looked and goes on with what is there
 * @throws HoldfastError ROLLED_BACK, LEDGER_BROKEN
 */
export async function viewSet(
  session: Session,
  set: string,
  acceptRollback: boolean,
  signal: AbortSignal,
): Promise<SetView> {
  const folder = stateFolderOf(session, set);
  const now = await session.store.now(signal);
  const ledger = await readLedger(session, set, signal);
  const catalog = await readCatalog(session, set, ledger, signal);
  const newest = newestByWriter(catalog.entries);
  const [problem] = findRollback(await readSeen(folder), newest, ledger, now, erasedUntil(ledger));
  if (problem !== undefined && !acceptRollback) throw rolledBack(set, problem);
  await (problem === undefined ? rememberSeen : acceptSeen)(folder, newest, ledger.heads);
  return { set, catalog, ledger, now };
}

/** `latest` must not silently become an older one because the newest cannot be read. */
export function mustKnowLatest({ set, catalog }: SetView, when: string): void {
  const [failure] = catalog.failures;
  if (failure && when === 'latest') throw latestUncertain(set, failure.key);
}

/** Stops where the ledger asks for more than this version can do: bringing back an erased person is worse than failing. */
export function mustBeApplicable({ set, ledger }: SetView): void {
  if (!ledger.lines.every(isApplicable)) throw ledgerNeedsMore(set);
}

/**
 * Stops where any snapshot or amendment was made by somebody who had seen more of the ledger than there is: then it was
 * cut back, and who was erased cannot be told; also for a snapshot that is older than what is missing.
 * @throws HoldfastError LEDGER_BROKEN
 */
export function mustHoldAllThatWasSeen({ set, catalog, ledger }: SetView): void {
  for (const { entry, current } of catalog.entries) {
    checkLedgerCovers(set, ledger, entry.ledger_seen);
    if (current) checkLedgerCovers(set, ledger, current.binding.ledger_seen);
  }
}

/**
 * Opens the manifest of a snapshot, in the revision that counts, and checks it against its entry or amendment.
 * @throws HoldfastError MANIFEST_MISSING, DAMAGED, SIGNATURE_BAD, SIGNER_NOT_TRUSTED, BOUND_ELSEWHERE, KEY_DOES_NOT_OPEN
 */
export async function openManifest(
  session: Session,
  item: CatalogEntry,
  opener: MessageOpener,
  signal: AbortSignal,
): Promise<Manifest> {
  return (await openManifestText(session, item, opener, signal)).manifest;
}

/** As `openManifest`, with the plaintext itself: for those who seal it anew. */
export async function openManifestText(
  session: Session,
  item: CatalogEntry,
  opener: MessageOpener,
  signal: AbortSignal,
): Promise<{ readonly manifest: Manifest; readonly plain: Buffer }> {
  const current = currentOf(item);
  const sealed = await readManifest(session, item, signal);
  const what = current.manifestKey;
  // A host may not write revisions: it could replace what another one has backed up.
  const trust = current.revision === 0 ? session.trust : session.operators;
  const { plain, signer } = await opener.open(sealed, trust, what);
  if (signer !== current.signer) throw boundElsewhere(what, 'signer', current.signer, signer);
  const manifest = parseManifest(plain, what);
  checkBinding(manifest.binding, current.binding, what);
  return { manifest, plain };
}

/** The sealed manifest in the revision that counts, proven to be the one that entry or amendment name. */
export async function readManifest(
  session: Session,
  item: CatalogEntry,
  signal: AbortSignal,
): Promise<Buffer> {
  const { manifestKey, sha256 } = currentOf(item);
  let sealed: Buffer;
  try {
    sealed = await session.store.get(manifestKey, undefined, signal);
  } catch (error) {
    throw isHoldfastError(error, 'STORE_OBJECT_MISSING') ? missingManifest(item.entry.snapshot) : error;
  }
  if (sha256Hex(sealed) !== sha256)
    throw damaged(manifestKey, 'its SHA-256 is not the one in its entry or amendment');
  return sealed;
}
