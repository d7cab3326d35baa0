/** Dumps to which something has happened on their way: what it may be, and how it is done. */
import { fc } from '@fast-check/vitest';
import type { TableInfo } from '../../src/sources/source.ts';

/** One thing that happens to bytes; places are taken modulo their number. */
export type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly mask: number }
  | { readonly kind: 'put'; readonly at: number; readonly text: string }
  | { readonly kind: 'drop'; readonly at: number; readonly length: number }
  | { readonly kind: 'twice'; readonly at: number; readonly length: number }
  | { readonly kind: 'swap'; readonly at: number; readonly length: number }
  | { readonly kind: 'cut'; readonly at: number };

/** @param telling - text that means something in the format */
export function mutations(telling: readonly string[]): fc.Arbitrary<Mutation[]> {
  const at = fc.nat();
  const length = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 400 }));
  const one = fc.oneof(
    fc.record({ kind: fc.constant('flip' as const), at, mask: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ kind: fc.constant('put' as const), at, text: fc.constantFrom(...telling) }),
    fc.record({ kind: fc.constant('drop' as const), at, length }),
    fc.record({ kind: fc.constant('twice' as const), at, length }),
    fc.record({ kind: fc.constant('swap' as const), at, length }),
    fc.record({ kind: fc.constant('cut' as const), at }),
  );
  return fc.array(one, { minLength: 1, maxLength: 3 });
}

/** The bytes after all of that. */
export function mutated(bytes: Buffer, all: readonly Mutation[]): Buffer {
  return all.reduce<Buffer>((before, each) => (before.length === 0 ? before : applied(before, each)), bytes);
}

function applied(bytes: Buffer, mutation: Mutation): Buffer {
  const at = mutation.at % bytes.length;
  const before = bytes.subarray(0, at);
  switch (mutation.kind) {
    case 'flip': {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ mutation.mask;
      return flipped;
    }
    case 'put':
      return Buffer.concat([before, Buffer.from(mutation.text, 'latin1'), bytes.subarray(at)]);
    case 'drop':
      return Buffer.concat([before, bytes.subarray(at + mutation.length)]);
    case 'twice':
      return Buffer.concat([bytes.subarray(0, at + mutation.length), bytes.subarray(at)]);
    case 'swap': {
      const [one, two] = [0, 1].map((part) =>
        bytes.subarray(at + part * mutation.length, at + (part + 1) * mutation.length),
      );
      return Buffer.concat([before, two ?? before, one ?? before, bytes.subarray(at + 2 * mutation.length)]);
    }
    case 'cut':
      return before;
  }
}

/** In pieces of these sizes, again and again. */
export async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield await Promise.resolve(bytes.subarray(at, at + size));
    at += size;
  }
}

export const pieceSizes = fc.oneof(
  fc.constant([1 << 20]),
  fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 }),
);

/** A name, and what is in it. */
export interface Part {
  readonly name: string;
  readonly isTable: boolean;
  readonly table: TableInfo | undefined;
  readonly text: Buffer;
}

/** All parts, or undefined when the dump is refused; any other failure is thrown. */
export async function partsOf(
  parts: AsyncIterable<{
    readonly name: string;
    readonly table?: TableInfo;
    readonly bytes: AsyncIterable<Buffer>;
  }>,
  isRefusal: (error: unknown) => boolean,
): Promise<Part[] | undefined> {
  const found: Part[] = [];
  try {
    for await (const { name, table, bytes } of parts) {
      const pieces = await Array.fromAsync(bytes);
      found.push({ name, isTable: table !== undefined, table, text: Buffer.concat(pieces) });
    }
    return found;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/** Which dumps are tried: see `services/seed.ts`. */
export function runSeed(): number {
  return fc.readConfigureGlobal().seed ?? Date.now() % 100_000;
}
