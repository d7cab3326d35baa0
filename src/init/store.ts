/** Preparing a store: header, the host's public key, and the way out without this program. */
import { randomUUID } from 'node:crypto';
import { PGP, openpgp, signingDate } from '../openpgp/library.ts';
import { isCertifiedBy } from '../openpgp/keys.ts';
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

/** Makes a store of a folder or bucket, or joins the one that is there. Safe to repeat after a failure. */
export async function prepareStore(options: PrepareOptions, signal: AbortSignal): Promise<PreparedStore> {
  const { store, signer, host, recipients } = options;
  await store.create(signal);
  await store.check(signal);
  const existing = await peekHeader(store, signal);
  if (!existing) {
    const recovery = await writeRecoveryFiles(store, signer, signal);
    const about = { store: randomUUID(), created: new Date().toISOString(), tool: TOOL, recovery };
    await writeHeader(store, { format: FORMAT, kind: 'store', ...about }, signer, signal);
  }
  await putWriterKey(store, host, signal);
  const trust = new Trust([host, ...recipients]);
  await trust.addFromStore((await readWriterKeys(store, signal)).keys, recipients);
  const header = await readHeader(store, trust, signal);
  return {
    id: header.store,
    joined: existing !== undefined,
    certified: await isCertifiedBy(host, recipients),
  };
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
    const signature = await detachedSignature(bytes, signer);
    await store.put(`${name}.asc`, signature, {}, signal);
    hashes[`${name}.asc`] = sha256Hex(signature);
  }
  return hashes;
}

async function detachedSignature(bytes: Buffer, signer: openpgp.PrivateKey): Promise<Buffer> {
  const armored = await openpgp.sign({
    message: await openpgp.createMessage({ binary: new Uint8Array(bytes) }),
    signingKeys: signer,
    detached: true,
    date: signingDate(signer),
    config: PGP,
  });
  return Buffer.from(armored);
}
