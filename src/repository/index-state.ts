/**
 * The index objects of a host's current chain: where their directories lie and how they are opened, and the packs
 * whose segments they know. Beside the segment index, and gone with it when the chain ends; losing it costs speed only.
 */
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { indexFile } from './chain-state.ts';
import { PACK_REF } from './layout.ts';
import { formatRef, parseRef } from './pages.ts';
import type { SegmentRef } from './pages.ts';
import { readState, writeState } from './state-files.ts';

export interface KnownIndex {
  /** The directory of the object, as manifests have it. */
  readonly ref: SegmentRef;
  /** `NNN/ID` of each pack with a segment that it knows. */
  readonly packs: readonly string[];
}

const schema = z.strictObject({
  indexes: z.array(z.strictObject({ ref: z.string(), packs: z.array(z.string().regex(PACK_REF)) })),
});

export async function readIndexes(stateFolder: string, chain: number): Promise<readonly KnownIndex[]> {
  const file = stateFile(stateFolder, chain);
  const state = await readState(file, schema);
  return (state?.indexes ?? []).map(({ ref, packs }) => ({ ref: parseRef(ref, file), packs }));
}

export async function writeIndexes(
  stateFolder: string,
  chain: number,
  indexes: readonly KnownIndex[],
): Promise<void> {
  const file = stateFile(stateFolder, chain);
  if (indexes.length === 0) await rm(file, { force: true });
  else
    await writeState(file, {
      indexes: indexes.map(({ ref, packs }) => ({ ref: formatRef(ref).trimEnd(), packs })),
    });
}

/** Named after the segment index, so that it goes when that does. */
function stateFile(stateFolder: string, chain: number): string {
  return `${indexFile(stateFolder, chain)}-indexes.json`;
}
