/** `holdfast.json`: what makes a folder or bucket a store. Signed by whoever initialised it. */
import { join } from 'node:path';
import { z } from 'zod';
import { isHoldfastError } from '../errors.ts';
import { parsePublicKeys } from '../openpgp/keys.ts';
import type { openpgp } from '../openpgp/library.ts';
import { readUnverified, signStatement, verifyStatement } from '../openpgp/statement.ts';
import type { Trust } from '../openpgp/trust.ts';
import type { ReadStore, Store } from '../stores/store.ts';
import { growthShape, parseWith } from './entry.ts';
import { makerNotTrusted, notAStore, otherStore } from './errors.ts';
import { FORMAT, STORE_HEADER, WRITER_KEYS } from './layout.ts';
import { readState, writeState } from './state-files.ts';

const headerSchema = z.looseObject({
  ...growthShape,
  format: z.literal(FORMAT),
  kind: z.literal('store'),
  store: z.uuid(),
  created: z.iso.datetime({ precision: 3 }),
  tool: z.string(),
  /** SHA-256 of the recovery files that were put beside it, by name. */
  recovery: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
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
  const { value } = await verifyStatement(bytes, trust, STORE_HEADER).catch((error: unknown) => {
    throw isHoldfastError(error, 'SIGNER_NOT_TRUSTED') ? makerNotTrusted(error) : error;
  });
  return parseWith(headerSchema, value, STORE_HEADER);
}

export async function writeHeader(
  store: Store,
  header: StoreHeader,
  signer: openpgp.PrivateKey,
  signal: AbortSignal,
) {
  return store.put(STORE_HEADER, await signStatement(header, signer), { ifAbsent: true }, signal);
}

export interface WriterKeys {
  readonly keys: readonly openpgp.PublicKey[];
  /** Objects that are not keys: said by `verify`, and no reason to stop as long as nothing depends on them. */
  readonly unreadable: readonly string[];
}

/** The public keys of hosts that the store carries; what they are worth is for Trust to say. */
export async function readWriterKeys(store: ReadStore, signal: AbortSignal): Promise<WriterKeys> {
  const keys: openpgp.PublicKey[] = [];
  const unreadable: string[] = [];
  for await (const { key } of store.list(WRITER_KEYS, signal)) {
    const bytes = await store.get(key, undefined, signal);
    try {
      const found = await parsePublicKeys(bytes, key);
      const named = found.every((one) => key === writerKey(one));
      if (named) keys.push(...found);
      else unreadable.push(key);
    } catch (error) {
      if (!isHoldfastError(error, 'KEY_UNREADABLE')) throw error;
      unreadable.push(key);
    }
  }
  return { keys, unreadable };
}

function writerKey(key: openpgp.PublicKey): string {
  return `${WRITER_KEYS}${key.getFingerprint()}.asc`;
}

/** Publishes a host's key; certifications that the store's copy has already are kept. */
export async function putWriterKey(store: Store, key: openpgp.PublicKey, signal: AbortSignal): Promise<void> {
  const name = writerKey(key);
  const bytes = await getOptional(store, name, signal);
  const [old] = bytes === undefined ? [] : await parsePublicKeys(bytes, name).catch(() => []);
  const merged = old?.getFingerprint() === key.getFingerprint() ? await old.update(key) : key;
  await store.put(name, Buffer.from(merged.armor()), {}, signal);
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
    // S3 says so of absent keys, too, where listing is limited to a prefix: the listing itself is asked then.
    if (isHoldfastError(error, 'STORE_DENIED') && (await isAbsent(store, key, signal))) return undefined;
    throw error;
  }
}

async function isAbsent(store: ReadStore, key: string, signal: AbortSignal): Promise<boolean> {
  try {
    for await (const found of store.list(key, signal)) if (found.key === key) return false;
    return true;
  } catch (error) {
    if (isHoldfastError(error, 'STORE_DENIED')) return false;
    throw error;
  }
}
