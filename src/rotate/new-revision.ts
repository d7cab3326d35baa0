/** One new revision of a snapshot: a manifest and its amendment, put and read back. It counts once the ledger names it. */
import type { MessageOpener } from '../openpgp/message.ts';
import { MessageSealer } from '../openpgp/message.ts';
import type { openpgp } from '../openpgp/library.ts';
import { signStatement } from '../openpgp/statement.ts';
import { parseAmendment } from '../repository/amendment.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { Binding, LedgerHeads } from '../repository/entry.ts';
import { amendmentKey, manifestKey, snapshotFolder } from '../repository/layout.ts';
import type { CurrentRevision } from '../repository/revision.ts';
import type { Session } from '../repository/session.ts';
import { openManifestText } from '../restore/open.ts';
import type { ObjectLock, PutOptions, Store } from '../stores/store.ts';
import { replacementMissing } from './errors.ts';

export interface RevisionOptions {
  readonly session: Session<Store>;
  readonly opener: MessageOpener;
  readonly recipients: readonly openpgp.PublicKey[];
  readonly signer: openpgp.PrivateKey;
  /** Of the rotation or purge, as in the line of the ledger that will name the revision. */
  readonly request: string;
  /** What the ledger shows now. */
  readonly heads: LedgerHeads;
  /** The lock that a manifest gets now; undefined: none. */
  readonly lock: ObjectLock | undefined;
}

/** What a manifest becomes, and the packs that it needs then. */
export interface Rewritten {
  readonly plain: Buffer;
  readonly packs: readonly (readonly [pack: string, bytes: number])[];
}

export interface RevisionPlan {
  readonly item: CatalogEntry;
  readonly current: CurrentRevision;
  readonly revision: number;
  /** Days that the manifest has left: the prefix under which the new one goes. */
  readonly days: number;
  readonly reason: 'rotation' | 'purge';
  /** Gives the text of the manifest under its new binding; `key` names the object in errors. */
  readonly rewrite: (plain: Buffer, binding: Binding, key: string) => Rewritten;
}

/** What the ledger is to name, and what it took. */
export interface PutRevision {
  readonly snapshot: string;
  readonly revision: number;
  /** SHA-256 of the amendment. */
  readonly sha256: string;
  /** That were put. */
  readonly bytes: number;
}

/**
 * Writes it. It counts for nobody before the ledger names it, so a run that dies here has done nothing.
 * @throws HoldfastError REPLACEMENT_MISSING, and what opening the manifest throws
 */
export async function putRevision(
  { item, current, revision, days, reason, rewrite }: RevisionPlan,
  { session, opener, recipients, signer, request, heads, lock }: RevisionOptions,
  signal: AbortSignal,
): Promise<PutRevision> {
  const { plain } = await openManifestText(session, item, opener, signal);
  const binding: Binding = {
    ...current.binding,
    revision,
    ledger_seen: heads,
    recipients: recipients.map((key) => key.getFingerprint()),
  };
  const { set, snapshot } = item.entry;
  const folder = snapshotFolder(set, days, snapshot);
  const key = manifestKey(folder, revision);
  const rewritten = rewrite(plain, binding, key);
  const sealed = await new MessageSealer(recipients, signer).seal(rewritten.plain);
  const amendment = {
    kind: 'amendment',
    ...binding,
    life: days,
    reason,
    request,
    manifest: { sha256: sha256Hex(sealed), bytes: sealed.length },
    packs: rewritten.packs,
    entry: item.sha256,
  };
  const statementKey = amendmentKey(folder, revision);
  parseAmendment(amendment, item, { revision, days }, statementKey);
  const statement = await signStatement(amendment, signer);
  const put = { ifAbsent: true, ...(lock && { lock }) };
  await putAndReadBack(session.store, key, sealed, put, snapshot, signal);
  await putAndReadBack(session.store, statementKey, statement, put, snapshot, signal);
  return { snapshot, revision, sha256: sha256Hex(statement), bytes: sealed.length + statement.length };
}

/** Puts an object that must be new, and believes what the store gives back. Throws REPLACEMENT_MISSING. */
async function putAndReadBack(
  store: Store,
  key: string,
  bytes: Buffer,
  options: PutOptions,
  snapshot: string,
  signal: AbortSignal,
): Promise<void> {
  await store.put(key, bytes, options, signal);
  if (!(await store.get(key, undefined, signal)).equals(bytes)) throw replacementMissing(snapshot);
}
