/** Preparing a store: header, the host's public key, and the way out without this program. */
import { randomUUID } from 'node:crypto';
import { signDetached } from '../openpgp/detached.ts';
import { isCertifiedBy } from '../openpgp/keys.ts';
import type { openpgp } from '../openpgp/library.ts';
import { Trust } from '../openpgp/trust.ts';
import { recoveryFiles } from '../recovery/files.ts';
import { sha256Hex } from '../repository/entry.ts';
import { FORMAT } from '../repository/layout.ts';
import {
  peekHeader,
  putWriterKey,
  readHeader,
  readWriterKeys,
  writeHeader,
} from '../repository/store-header.ts';
import type { Store } from '../stores/store.ts';
import { TOOL } from '../version.ts';

export interface PrepareOptions {
  readonly store: Store;
  /** Signs the header and recover.sh: the reader's key where there is one, else the host's. */
  readonly signer: openpgp.PrivateKey;
  /** The host's public key, certified where that was possible. */
  readonly host: openpgp.PublicKey;
  readonly recipients: readonly openpgp.PublicKey[];
}

export interface PreparedStore {
  readonly id: string;
  /** The store was there already, and this host joins it. */
  readonly joined: boolean;
  /** Readers believe this host without further ado. */
  readonly certified: boolean;
}

/**
 * Makes a store of a folder or bucket, or joins the one that is there. Safe to repeat after a failure: the header, which
 * makes it a store, is written last, and a host adds itself only to a store that it believes.
 */
export async function prepareStore(options: PrepareOptions, signal: AbortSignal): Promise<PreparedStore> {
  const { store, host, recipients } = options;
  await store.create(signal);
  await store.check(signal);
  const made = (await peekHeader(store, signal)) ? undefined : await makeStore(options, signal);
  const id = made ?? (await joinStore(options, signal));
  return { id, joined: made === undefined, certified: await isCertifiedBy(host, recipients) };
}

/** Returns the new store's id; undefined when somebody else has made a store here meanwhile. */
async function makeStore(
  { store, signer, host }: PrepareOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const id = randomUUID();
  const recovery = await writeRecoveryFiles(store, signer, signal);
  await putWriterKey(store, host, signal);
  const about = { store: id, created: new Date().toISOString(), tool: TOOL, recovery };
  const outcome = await writeHeader(store, { format: FORMAT, kind: 'store', ...about }, signer, signal);
  return outcome === 'written' ? id : undefined;
}

/** @throws HoldfastError SIGNER_NOT_TRUSTED, SIGNATURE_BAD */
async function joinStore({ store, host, recipients }: PrepareOptions, signal: AbortSignal): Promise<string> {
  const trust = new Trust([host, ...recipients]);
  await trust.addFromStore((await readWriterKeys(store, signal)).keys, recipients);
  const header = await readHeader(store, trust, signal);
  await putWriterKey(store, host, signal);
  return header.store;
}

/** Returns the hash of each file by its name. */
async function writeRecoveryFiles(
  store: Store,
  signer: openpgp.PrivateKey,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const { name, bytes } of await recoveryFiles()) {
    await store.put(name, bytes, {}, signal);
    hashes[name] = sha256Hex(bytes);
    if (name !== 'recover.sh') continue;
    const signature = Buffer.from(await signDetached(bytes, signer));
    await store.put(`${name}.asc`, signature, {}, signal);
    hashes[`${name}.asc`] = sha256Hex(signature);
  }
  return hashes;
}
