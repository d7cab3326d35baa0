/** What a listing shows of snapshots, and the hash of a manifest: checks that need no key. */
import { isHoldfastError, reasonOf } from '../errors.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import { packKey } from '../repository/layout.ts';
import type { CurrentRevision } from '../repository/revision.ts';
import type { Session } from '../repository/session.ts';
import { readManifest } from '../restore/open.ts';

export interface Finding {
  readonly kind: 'problem' | 'unchecked' | 'note';
  /** The snapshot, or the set when it is about all of it. */
  readonly about: string;
  readonly text: string;
}

/** The sizes of all packs that live snapshots name, by key; chain folders are listed once each. */
export async function listReferencedPacks(
  { store }: Session,
  live: readonly CatalogEntry[],
  signal: AbortSignal,
): Promise<Map<string, number>> {
  const folders = new Set(
    live.flatMap(({ entry, current }) =>
      (current?.packs ?? []).map(([ref]) => packKey(entry, ref).replace(/[^/]+$/, '')),
    ),
  );
  const sizes = new Map<string, number>();
  for (const folder of folders)
    for await (const { key, bytes } of store.list(folder, signal)) sizes.set(key, bytes);
  return sizes;
}

export function checkPresence(
  { entry }: CatalogEntry,
  { listed, bytes: manifestBytes, packs: needed }: CurrentRevision,
  packs: Map<string, number>,
  problem: (text: string) => void,
): void {
  if (!listed) problem('its manifest is gone although it has not expired');
  else if (listed.bytes !== manifestBytes)
    problem(`its manifest has ${listed.bytes} of ${manifestBytes} bytes`);
  for (const [ref, bytes] of needed) {
    const found = packs.get(packKey(entry, ref));
    if (found === undefined) problem(`pack ${ref} is gone`);
    else if (found !== bytes) problem(`pack ${ref} has ${found} of ${bytes} bytes`);
  }
}

/** The manifest's hash; a host that may not read manifests says so instead of passing it. */
export async function checkManifest(
  session: Session,
  item: CatalogEntry,
  findings: Finding[],
  signal: AbortSignal,
): Promise<void> {
  const about = item.entry.snapshot;
  if (item.current && !item.current.listed) return;
  try {
    await readManifest(session, item, signal);
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED')) throw error;
    const unchecked = isHoldfastError(error) && error.exit !== 'verification';
    findings.push({ kind: unchecked ? 'unchecked' : 'problem', about, text: reasonOf(error) });
  }
}
