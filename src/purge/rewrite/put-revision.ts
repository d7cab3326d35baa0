/** The new revision of a snapshot after a purge. It counts once the ledger names it. */
import { throwIfCancelled } from '../../errors.ts';
import { currentOf } from '../../repository/catalog.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Binding } from '../../repository/entry.ts';
import type { StoredPack } from '../../repository/packs.ts';
import { putRevision } from '../../rotate/new-revision.ts';
import type { PutRevision, RevisionOptions } from '../../rotate/new-revision.ts';
import { nextRevision } from '../../rotate/plan.ts';
import { amendManifest } from './manifest-text.ts';
import type { ManifestChanges } from './manifest-text.ts';

export interface PurgedRevision extends Omit<ManifestChanges, 'binding'> {
  readonly item: CatalogEntry;
  /** Days that the manifest has left: the prefix under which the new one goes. */
  readonly days: number;
  /** Packs that pages and the segments in them lie in; those of the side-car are added. */
  readonly needs: ReadonlySet<string>;
  /** New packs. */
  readonly packs: readonly StoredPack[];
}

/**
 * Puts the revision, above every one that lies there or ever was named.
 * @throws HoldfastError REPLACEMENT_MISSING, and what opening the manifest throws
 */
export async function putPurged(
  { item, days, needs, packs: added, ...changes }: PurgedRevision,
  options: RevisionOptions,
  signal: AbortSignal,
): Promise<PutRevision> {
  throwIfCancelled(signal);
  const current = currentOf(item);
  const revision = nextRevision(item, current);
  const rewrite = (before: Buffer, binding: Binding, key: string) => {
    const { plain, manifest } = amendManifest(before, { ...changes, binding }, key);
    const needed = new Set([...needs, ...(manifest.sidecar ?? []).map(({ pack }) => pack)]);
    return { plain, packs: sizesOf(needed, current.packs, added) };
  };
  return putRevision({ item, current, revision, days, reason: 'purge', rewrite }, options, signal);
}

/** The packs that are needed, sorted, with their sizes. */
function sizesOf(
  needed: ReadonlySet<string>,
  before: readonly (readonly [string, number])[],
  added: readonly StoredPack[],
): (readonly [string, number])[] {
  const sizes = new Map(before);
  for (const { ref, bytes } of added) sizes.set(ref, bytes);
  return [...needed].sort().map((ref) => {
    const bytes = sizes.get(ref);
    if (bytes === undefined) throw new Error(`the size of pack ${ref} is not known`);
    return [ref, bytes] as const;
  });
}
