/** A sealed message in parts, in the store. */
import { PART_BYTES, sealedFolder, sealedPartKey } from '../repository/sealed.ts';
import type { Store } from '../stores/store.ts';
import { partsMissing } from './errors.ts';

/** Parts that are on their way at once; with the one that is filled, what lies in memory. */
const PARALLEL = 3;

/**
 * Puts a message, and looks whether all of it is there.
 * @returns the number of parts
 * @throws HoldfastError SEAL_INCOMPLETE, and what the store throws
 */
export async function putParts(
  store: Store,
  { id, days }: { readonly id: string; readonly days: number },
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  const sizes: number[] = [];
  const underWay = new Set<Promise<void>>();
  try {
    for await (const part of cutInto(pieces, PART_BYTES)) {
      const key = sealedPartKey(id, days, sizes.push(part.length));
      // One that fails stays among them, for whoever waits next.
      const putting = put(store, key, part, signal).then(() => void underWay.delete(putting));
      putting.catch(() => undefined);
      underWay.add(putting);
      if (underWay.size >= PARALLEL) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    await Promise.allSettled(underWay);
  }
  await mustBeThere(store, id, days, sizes, signal);
  return sizes.length;
}

async function put(store: Store, key: string, part: Uint8Array, signal: AbortSignal): Promise<void> {
  // The id is random: what is there already is ours, of a put whose answer was lost.
  await store.put(key, part, { ifAbsent: true }, signal);
}

async function mustBeThere(
  store: Store,
  id: string,
  days: number,
  sizes: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  const found = new Map<string, number>();
  for await (const { key, bytes } of store.list(sealedFolder(id, days), signal)) found.set(key, bytes);
  const missing = sizes.findIndex((bytes, index) => found.get(sealedPartKey(id, days, index + 1)) !== bytes);
  if (missing !== -1) throw partsMissing(id, `part ${missing + 1} is not there as it was put`);
}

/** The parts in their order, each read while the one before is taken. */
export async function* getParts(
  store: Pick<Store, 'get'>,
  { id, days, parts }: { readonly id: string; readonly days: number; readonly parts: number },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const read = (part: number): Promise<Buffer> => {
    const reading = store.get(sealedPartKey(id, days, part), undefined, signal);
    reading.catch(() => undefined);
    return reading;
  };
  let next = read(1);
  for (let part = 1; part <= parts; part++) {
    const bytes = await next;
    if (part < parts) next = read(part + 1);
    yield bytes;
  }
}

/** Pieces of exactly this length, but for the last. */
async function* cutInto(pieces: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Buffer> {
  let part = Buffer.allocUnsafe(length);
  let filled = 0;
  for await (const piece of pieces) {
    for (let from = 0; from < piece.length;) {
      const taken = Math.min(length - filled, piece.length - from);
      part.set(piece.subarray(from, from + taken), filled);
      filled += taken;
      from += taken;
      if (filled < length) continue;
      yield part;
      part = Buffer.allocUnsafe(length);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
