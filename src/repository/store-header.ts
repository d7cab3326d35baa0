/** `holdfast.json`: what makes a folder or bucket a store. Signed by whoever initialised it. */
import { join } from 'node:path';
import { z } from 'zod';
import { isHoldfastError } from '../errors.ts';
import { parsePublicKeys } from '../openpgp/keys.ts';
import type { openpgp } from '../openpgp/library.ts';
import { readUnverified, signStatement, verifyStatement } from '../openpgp/statement.ts';
import type { Trust } from '../openpgp/trust.ts';
import type { ReadStore, Store } from '../stores/store.ts';
import { parseWith } from './entry.ts';
import { notAStore, otherStore } from './errors.ts';
import { FORMAT, STORE_HEADER, WRITER_KEYS } from './layout.ts';
import { readState, writeState } from './state-files.ts';

const headerSchema = z.strictObject({
  format: z.literal(FORMAT),
  kind: z.literal('store'),
  store: z.uuid(),
  created: z.iso.datetime(),
  tool: z.string(),
});
export type StoreHeader = z.infer<typeof headerSchema>;

/** The header as it stands, its signature not looked at; undefined when there is none. */
export async function peekHeader(store: ReadStore, signal: AbortSignal): Promise<StoreHeader | undefined> {
  const bytes = await getOptional(store, STORE_HEADER, signal);
  return bytes && parseWith(headerSchema, readUnverified(bytes, STORE_HEADER).value, STORE_HEADER);
}

/**
 * Reads and verifies the header.
 * @throws HoldfastError STORE_NOT_INITIALISED, SIGNATURE_BAD, SIGNER_NOT_TRUSTED, FORMAT_UNKNOWN
 */
export async function readHeader(store: ReadStore, trust: Trust, signal: AbortSignal): Promise<StoreHeader> {
  const bytes = await getOptional(store, STORE_HEADER, signal);
  if (!bytes) throw notAStore(store.url);
  return parseWith(headerSchema, (await verifyStatement(bytes, trust, STORE_HEADER)).value, STORE_HEADER);
}

export async function writeHeader(store: Store, header: StoreHeader, signer: openpgp.PrivateKey, signal: AbortSignal) {
  return store.put(STORE_HEADER, await signStatement(header, signer), { ifAbsent: true }, signal);
}

/** The public keys of hosts that the store carries; what they are worth is for Trust to say. */
export async function readWriterKeys(store: ReadStore, signal: AbortSignal): Promise<openpgp.PublicKey[]> {
  const keys: openpgp.PublicKey[] = [];
  for await (const object of store.list(WRITER_KEYS, signal)) {
    keys.push(...(await parsePublicKeys(await store.get(object.key, undefined, signal), object.key)));
  }
  return keys;
}

export function putWriterKey(store: Store, key: openpgp.PublicKey, signal: AbortSignal) {
  return store.put(`${WRITER_KEYS}${key.getFingerprint()}.asc`, Buffer.from(key.armor()), {}, signal);
}

const knownSchema = z.record(z.string(), z.uuid());

/** Remembers which store lives at an address, and refuses another one there. */
export async function pinStore(stateDir: string, url: string, id: string): Promise<void> {
  const file = join(stateDir, 'stores.json');
  const known = (await readState(file, knownSchema)) ?? {};
  const was = known[url];
  if (was === id) return;
  if (was !== undefined) throw otherStore(url, was, id);
  await writeState(file, { ...known, [url]: id });
}

async function getOptional(store: ReadStore, key: string, signal: AbortSignal): Promise<Buffer | undefined> {
  try {
    return await store.get(key, undefined, signal);
  } catch (error) {
    if (isHoldfastError(error, 'STORE_OBJECT_MISSING')) return undefined;
    throw error;
  }
}
