/** What this host remembers of a set's current chain. Losing it costs one full backup, nothing else. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CHAIN_SECRET_BYTES } from '../segments/chain-keys.ts';
import { readState, writeState } from './state-files.ts';

const schema = z.strictObject({
  chain: z.int().positive(),
  /** The chain secret; destroyed when the chain ends. */
  secret: z.string().regex(new RegExp(`^[0-9a-f]{${CHAIN_SECRET_BYTES * 2}}$`)),
  /** By the store's clock. */
  started: z.iso.datetime(),
  keep_days: z.int().positive(),
  full_every_days: z.int().positive(),
});

export type ChainState = z.infer<typeof schema>;

const FILE = 'chain.json';

export function readChainState(folder: string): Promise<ChainState | undefined> {
  return readState(join(folder, FILE), schema);
}

/** Makes `state` the current chain: the old secret is overwritten, and the old chains' indexes go. */
export async function writeChainState(folder: string, state: ChainState): Promise<void> {
  await writeState(join(folder, FILE), state);
  const current = indexFile(folder, state.chain);
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    if (name.startsWith('segments-') && !file.startsWith(current)) await rm(file, { force: true });
  }
}

/** The segment index of a chain. */
export function indexFile(folder: string, chain: number): string {
  return join(folder, `segments-${chain}.sqlite`);
}
