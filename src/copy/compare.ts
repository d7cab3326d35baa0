/** Whether a copy holds the same bytes as its source: both are read whole, some objects at a time. */
import { isHoldfastError, throwIfCancelled } from '../errors.ts';
import {
  RECOVERY_FILES,
  STORE_HEADER,
  WRITER_KEYS,
  ledgerFolder,
  parseSnapshotKey,
} from '../repository/layout.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { ReadStore } from '../stores/store.ts';
import { Budget } from './budget.ts';
import type { CopyFacts } from './facts.ts';
import type { Remark } from './steps.ts';

const BYTES_UNDER_WAY = 96 * 1024 * 1024;
const PAIRS_UNDER_WAY = 8;

export interface Comparison {
  readonly objects: number;
  /** Read from the copy. */
  readonly bytes: number;
  readonly differing: readonly Remark[];
}

interface Pair {
  readonly source: string;
  readonly copy: string;
  readonly bytes: number;
}

/** Compares the SHA-256 of everything that the copy has and should have; what it lacks, the plan says. */
export async function compareCopy(
  facts: CopyFacts,
  source: ReadStore,
  copy: ReadStore,
  onProgress: (bytes: number, key: string) => void,
  signal: AbortSignal,
): Promise<Comparison> {
  const pairs = pairsOf(facts);
  const differing: Remark[] = [];
  const compare = async (pair: Pair) => {
    throwIfCancelled(signal);
    const [original, copied] = await Promise.all([hashOf(source, pair.source), hashOf(copy, pair.copy)]);
    onProgress(pair.bytes, pair.copy);
    // What ended at the source while this was under way is no difference.
    if (original === undefined || original === copied) return;
    const text =
      copied === undefined ? 'it is gone from the copy' : 'the copy has other bytes than the source';
    differing.push({ about: pair.copy, text });
  };
  const hashOf = async (store: ReadStore, key: string) => {
    try {
      return sha256Hex(await store.get(key, undefined, signal));
    } catch (error) {
      if (isHoldfastError(error, 'STORE_OBJECT_MISSING')) return undefined;
      throw error;
    }
  };
  const budget = new Budget(BYTES_UNDER_WAY, PAIRS_UNDER_WAY);
  await budget.forEach(pairs, ({ bytes }) => 2 * bytes, compare, signal);
  return { objects: pairs.length, bytes: pairs.reduce((sum, { bytes }) => sum + bytes, 0), differing };
}

function pairsOf({ set, source, destination, snapshots }: CopyFacts): Pair[] {
  const pairs: Pair[] = [];
  const same = new Set(snapshots.flatMap(({ packs }) => packs.map(([key]) => key)));
  const fixed: readonly string[] = [STORE_HEADER, ...RECOVERY_FILES];
  for (const key of source.keys())
    if (fixed.includes(key) || key.startsWith(WRITER_KEYS) || key.startsWith(ledgerFolder(set)))
      same.add(key);
  const moved = new Map<string, string>();
  for (const { entry, manifest, amendment } of snapshots)
    for (const one of [entry, manifest, ...(amendment ? [amendment] : [])])
      moved.set(nameOf(set, one.key), one.key);
  for (const [key, { bytes }] of destination) {
    const from = same.has(key) ? key : moved.get(nameOf(set, key));
    if (from !== undefined && source.has(from)) pairs.push({ source: from, copy: key, bytes });
  }
  return pairs;
}

/** What stays the same below other days. */
function nameOf(set: string, key: string): string {
  const place = parseSnapshotKey(set, key);
  return place ? `${place.snapshot}/${place.name}` : key;
}
