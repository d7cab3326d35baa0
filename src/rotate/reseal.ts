/** Sealing one manifest anew: opened, its recipients replaced, signed by the operator, put beside its amendment. */
import type { MessageOpener } from '../openpgp/message.ts';
import { MessageSealer } from '../openpgp/message.ts';
import type { openpgp } from '../openpgp/library.ts';
import { signStatement } from '../openpgp/statement.ts';
import { parseAmendment } from '../repository/amendment.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { Binding, LedgerHeads } from '../repository/entry.ts';
import { amendmentKey, manifestKey, snapshotFolder } from '../repository/layout.ts';
import { checkBinding, parseManifest } from '../repository/manifest.ts';
import type { Session } from '../repository/session.ts';
import { openManifestText } from '../restore/open.ts';
import type { ObjectLock, PutOptions, Store } from '../stores/store.ts';
import { replacementMissing } from './errors.ts';
import type { Resealing } from './plan.ts';

export interface ResealOptions {
  readonly session: Session<Store>;
  readonly opener: MessageOpener;
  readonly recipients: readonly openpgp.PublicKey[];
  readonly signer: openpgp.PrivateKey;
  /** Of the rotation, as in the ledger. */
  readonly request: string;
  /** What the ledger shows now. */
  readonly heads: LedgerHeads;
  /** The lock that manifests get on this store. */
  readonly lock: ObjectLock | undefined;
}

export interface Resealed {
  readonly snapshot: string;
  readonly revision: number;
  /** SHA-256 of the amendment: what the ledger names. */
  readonly sha256: string;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/**
 * Writes a new revision. It counts for nobody before the ledger names it, so a run that dies here has done nothing.
 * @throws HoldfastError REPLACEMENT_MISSING, and what opening the manifest throws
 */
export async function reseal(
  { item, current, revision, days }: Resealing,
  options: ResealOptions,
  signal: AbortSignal,
): Promise<Resealed> {
  const { session, opener, recipients, signer, request, heads, lock } = options;
  const { plain } = await openManifestText(session, item, opener, signal);
  const binding: Binding = {
    ...current.binding,
    revision,
    ledger_seen: heads,
    recipients: recipients.map((key) => key.getFingerprint()),
  };
  const folder = snapshotFolder(item.entry.set, days, item.entry.snapshot);
  const key = manifestKey(folder, revision);
  const sealed = await new MessageSealer(recipients, signer).seal(rebind(plain, binding, key));
  const amendment = {
    kind: 'amendment',
    ...binding,
    life: days,
    reason: 'rotation',
    request,
    manifest: { sha256: sha256Hex(sealed), bytes: sealed.length },
    packs: current.packs,
    entry: item.sha256,
  };
  const statementKey = amendmentKey(folder, revision);
  parseAmendment(amendment, item, { revision, days }, statementKey);
  const statement = await signStatement(amendment, signer);
  const put = { ifAbsent: true, ...(lock && { lock }) };
  await putAndReadBack(session.store, key, sealed, put, item.entry.snapshot, signal);
  await putAndReadBack(session.store, statementKey, statement, put, item.entry.snapshot, signal);
  return {
    snapshot: item.entry.snapshot,
    revision,
    sha256: sha256Hex(statement),
    bytesRead: current.bytes,
    bytesWritten: sealed.length + statement.length,
  };
}

/** The manifest with another binding; every other byte of it stays, also of fields and lines that are unknown here. */
export function rebind(plain: Buffer, binding: Binding, what: string): Buffer {
  const end = plain.indexOf(10);
  const header = JSON.parse(plain.toString('utf8', 0, end)) as Record<string, unknown>;
  const line = Buffer.from(JSON.stringify({ ...header, ...binding }), 'utf8');
  const bound = Buffer.concat([line, plain.subarray(end)]);
  checkBinding(parseManifest(bound, what).binding, binding, what);
  return bound;
}

/** Puts an object that must be new, and believes what the store gives back. Throws REPLACEMENT_MISSING. */
export async function putAndReadBack(
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
