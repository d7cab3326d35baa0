/** From a name to an opened snapshot: every check that stands between a store and trusting what it gives. */
import type { MessageOpener } from '../openpgp/message.ts';
import { damaged } from '../openpgp/errors.ts';
import { newestByWriter, readCatalog } from '../repository/catalog.ts';
import type { Catalog, CatalogEntry } from '../repository/catalog.ts';
import { sha256Hex } from '../repository/entry.ts';
import { boundElsewhere, missingManifest, rolledBack } from '../repository/errors.ts';
import { readLedger } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { manifestKey } from '../repository/layout.ts';
import { checkBinding, parseManifest } from '../repository/manifest.ts';
import type { Manifest } from '../repository/manifest.ts';
import { acceptSeen, findRollback, readSeen, rememberSeen } from '../repository/seen.ts';
import { stateFolderOf } from '../repository/session.ts';
import type { Session } from '../repository/session.ts';
import { isHoldfastError } from '../errors.ts';
import { amendedSnapshot, latestUncertain, ledgerNeedsMore } from './errors.ts';

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
  const { store, id, trust, ledgerTrust } = session;
  const folder = stateFolderOf(session, set);
  const now = await store.now(signal);
  const ledger = await readLedger(store, id, set, ledgerTrust, signal);
  const catalog = await readCatalog(store, id, set, trust, signal);
  const newest = newestByWriter(catalog.entries);
  const [problem] = findRollback(await readSeen(folder), newest, ledger.heads, now);
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
  if (ledger.lines.length > 0) throw ledgerNeedsMore(set);
}

/**
 * Opens the manifest of a snapshot and checks it against its entry and place.
 * @throws HoldfastError MANIFEST_MISSING, DAMAGED, SIGNATURE_BAD, SIGNER_NOT_TRUSTED, BOUND_ELSEWHERE, KEY_DOES_NOT_OPEN
 */
export async function openManifest(
  session: Session,
  item: CatalogEntry,
  opener: MessageOpener,
  signal: AbortSignal,
): Promise<Manifest> {
  const { entry, folder } = item;
  const sealed = await readManifest(session, item, signal);
  const what = manifestKey(folder);
  const { plain, signer } = await opener.open(sealed, session.trust, what);
  if (signer !== item.signer) throw boundElsewhere(what, 'signer', item.signer, signer);
  const manifest = parseManifest(plain, what);
  checkBinding(manifest.binding, entry, what);
  return manifest;
}

/** The sealed manifest, proven to be the one that its entry names. */
export async function readManifest(
  session: Session,
  { entry, folder, amended }: CatalogEntry,
  signal: AbortSignal,
): Promise<Buffer> {
  if (amended) throw amendedSnapshot(entry.snapshot);
  const what = manifestKey(folder);
  let sealed: Buffer;
  try {
    sealed = await session.store.get(what, undefined, signal);
  } catch (error) {
    throw isHoldfastError(error, 'STORE_OBJECT_MISSING') ? missingManifest(entry.snapshot) : error;
  }
  if (sha256Hex(sealed) !== entry.manifest.sha256)
    throw damaged(what, 'its SHA-256 is not the one in its entry');
  return sealed;
}
