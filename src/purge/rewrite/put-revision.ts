/** One new revision of a snapshot: a manifest and its amendment, put and read back. It counts once the ledger names it. */
import { throwIfCancelled } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import { MessageSealer } from '../../openpgp/message.ts';
import type { openpgp } from '../../openpgp/library.ts';
import { signStatement } from '../../openpgp/statement.ts';
import { parseAmendment } from '../../repository/amendment.ts';
import { currentOf } from '../../repository/catalog.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import { sha256Hex } from '../../repository/entry.ts';
import type { Binding, LedgerHeads } from '../../repository/entry.ts';
import { amendmentKey, manifestKey, snapshotFolder } from '../../repository/layout.ts';
import type { StoredPack } from '../../repository/packs.ts';
import type { Session } from '../../repository/session.ts';
import { openManifestText } from '../../restore/open.ts';
import { nextRevision } from '../../rotate/plan.ts';
import { putAndReadBack } from '../../rotate/reseal.ts';
import type { ObjectLock, Store } from '../../stores/store.ts';
import { amendManifest } from './manifest-text.ts';
import type { ManifestChanges } from './manifest-text.ts';

export interface PutRevisionOptions {
  readonly session: Session<Store>;
  readonly opener: MessageOpener;
  readonly recipients: readonly openpgp.PublicKey[];
  readonly signer: openpgp.PrivateKey;
  /** As in the line of the ledger that will name it. */
  readonly request: string;
  /** What the ledger shows now. */
  readonly heads: LedgerHeads;
  /** Of a manifest that is put now; undefined: none. */
  readonly lock: ObjectLock | undefined;
}

export interface NewRevision extends Omit<ManifestChanges, 'binding'> {
  readonly item: CatalogEntry;
  /** Days that the manifest has left: the prefix under which the new one goes. */
  readonly days: number;
  /** Packs that pages and the segments in them lie in; those of the side-car are added. */
  readonly needs: ReadonlySet<string>;
  /** New packs. */
  readonly packs: readonly StoredPack[];
}

/** What the ledger is to name. */
export interface AmendedSnapshot {
  readonly snapshot: string;
  readonly revision: number;
  /** Of the amendment. */
  readonly sha256: string;
}

/**
 * Puts the revision, above every one that lies there or ever was named.
 * @returns also the bytes that were put
 * @throws HoldfastError REPLACEMENT_MISSING, and what opening the manifest throws
 */
export async function putRevision(
  { item, days, needs, packs, ...changes }: NewRevision,
  options: PutRevisionOptions,
  signal: AbortSignal,
): Promise<AmendedSnapshot & { readonly bytes: number }> {
  throwIfCancelled(signal);
  const { session, opener, recipients, signer, request, heads, lock } = options;
  const current = currentOf(item);
  const revision = nextRevision(item, current);
  const { plain } = await openManifestText(session, item, opener, signal);
  const binding: Binding = {
    ...current.binding,
    revision,
    ledger_seen: heads,
    recipients: recipients.map((key) => key.getFingerprint()),
  };
  const folder = snapshotFolder(item.entry.set, days, item.entry.snapshot);
  const key = manifestKey(folder, revision);
  const text = amendManifest(plain, { ...changes, binding }, key);
  const sealed = await new MessageSealer(recipients, signer).seal(text.plain);
  const needed = new Set([...needs, ...(text.manifest.sidecar ?? []).map(({ pack }) => pack)]);
  const amendment = {
    kind: 'amendment',
    ...binding,
    life: days,
    reason: 'purge',
    request,
    manifest: { sha256: sha256Hex(sealed), bytes: sealed.length },
    packs: sizesOf(needed, current.packs, packs),
    entry: item.sha256,
  };
  const statementKey = amendmentKey(folder, revision);
  parseAmendment(amendment, item, { revision, days }, statementKey);
  const statement = await signStatement(amendment, signer);
  const put = { ifAbsent: true, ...(lock && { lock }) };
  const { snapshot } = item.entry;
  await putAndReadBack(session.store, key, sealed, put, snapshot, signal);
  await putAndReadBack(session.store, statementKey, statement, put, snapshot, signal);
  return { snapshot, revision, sha256: sha256Hex(statement), bytes: sealed.length + statement.length };
}

/** The packs that are needed, sorted, with their sizes. */
function sizesOf(
  needed: ReadonlySet<string>,
  before: readonly (readonly [string, number])[],
  added: readonly StoredPack[],
): (readonly [string, number])[] {
  const sizes = new Map(before);
  for (const { ref, bytes } of added) sizes.set(ref, bytes);
  return [...needed].sort().map((ref) => {
    const bytes = sizes.get(ref);
    if (bytes === undefined) throw new Error(`the size of pack ${ref} is not known`);
    return [ref, bytes] as const;
  });
}
