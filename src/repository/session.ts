/** A store that was opened and proven to be the one that this machine knows: what every room starts from. */
import type { openpgp } from '../openpgp/library.ts';
import { Trust } from '../openpgp/trust.ts';
import type { ReadStore } from '../stores/store.ts';
import { setStateFolder } from './state-files.ts';
import { pinStore, readHeader, readWriterKeys } from './store-header.ts';
import type { StoreHeader } from './store-header.ts';

export interface Session<S extends ReadStore = ReadStore> {
  readonly store: S;
  /** The store's id. */
  readonly id: string;
  readonly header: StoreHeader;
  /** Objects below `writers/` that are no keys. */
  readonly unreadableKeys: readonly string[];
  readonly trust: Trust;
  /** Whose lines in the ledger count: the trusted hosts, the purge signers, and the recipients themselves. */
  readonly ledgerTrust: Trust;
  /** Who may replace what a host has written (amendments): recipients and purge signers, never hosts. */
  readonly operators: Trust;
  readonly stateDir: string;
}

export interface SessionOptions<S extends ReadStore> {
  readonly store: S;
  /** Keys of hosts that the configuration names, this host's own among them. */
  readonly signers: readonly openpgp.PublicKey[];
  /** The recipients: a host key in the store counts when one of them has certified it. */
  readonly recipients: readonly openpgp.PublicKey[];
  readonly purgeSigners: readonly openpgp.PublicKey[];
  /** Recipients of before: nothing is sealed to them any more, but what they signed and certified counts. */
  readonly formerRecipients?: readonly openpgp.PublicKey[];
  readonly stateDir: string;
}

/**
 * Opens a store.
 * @throws HoldfastError STORE_NOT_INITIALISED, STORE_REPLACED, SIGNER_NOT_TRUSTED, SIGNATURE_BAD
 */
export async function openSession<S extends ReadStore>(
  { store, signers, recipients, purgeSigners, formerRecipients = [], stateDir }: SessionOptions<S>,
  signal: AbortSignal,
): Promise<Session<S>> {
  // A recipient signs too: the ops key that initialises a store, and the one that purges.
  const readers = [...recipients, ...formerRecipients];
  const trust = new Trust([...signers, ...readers]);
  const writers = await readWriterKeys(store, signal);
  await trust.addFromStore(writers.keys, readers);
  const header = await readHeader(store, trust, signal);
  await pinStore(stateDir, store.url, header.store);
  const ledgerTrust = new Trust([...trust.keys, ...purgeSigners]);
  return {
    store,
    id: header.store,
    header,
    unreadableKeys: writers.unreadable,
    trust,
    ledgerTrust,
    operators: new Trust([...readers, ...purgeSigners]),
    stateDir,
  };
}

/** Where this machine keeps what it knows of a set. */
export function stateFolderOf(session: Session, set: string): string {
  return setStateFolder(session.stateDir, session.id, set);
}
