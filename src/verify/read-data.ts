/** Opening everything of one snapshot: manifest, pages, segments; and that they add up to what the manifest states. */
import { isHoldfastError, reasonOf } from '../errors.ts';
import type { MessageOpener } from '../openpgp/message.ts';
import { currentOf } from '../repository/catalog.ts';
import type { CatalogEntry } from '../repository/catalog.ts';
import { chainName } from '../repository/layout.ts';
import type { SegmentRef } from '../repository/pages.ts';
import type { Session } from '../repository/session.ts';
import { openManifest } from '../restore/open.ts';
import { readSidecar } from '../restore/sidecar.ts';
import { SnapshotReader } from '../restore/reader.ts';
import type { SegmentPool } from '../segments/pool.ts';

export interface ReadWholeOptions {
  readonly session: Session;
  readonly item: CatalogEntry;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  /** Places (pack and offset with hash and key) that were opened for an earlier snapshot; added to. */
  readonly opened: Set<string>;
  readonly onProgress: (bytes: number, what: string) => void;
}

export interface ReadWholeResult {
  readonly segments: number;
  readonly bytes: number;
  readonly problems: readonly string[];
}

export async function readWhole(
  { session, item, opener, pool, opened, onProgress }: ReadWholeOptions,
  signal: AbortSignal,
): Promise<ReadWholeResult> {
  const problems: string[] = [];
  const totals = { segments: 0, bytes: 0 };
  try {
    const manifest = await openManifest(session, item, opener, signal);
    const reader = new SnapshotReader(session.store, manifest, pool);
    const named = new Set(currentOf(item).packs.map(([ref]) => ref));
    for (const page of manifest.pages)
      if (!named.has(page.pack)) problems.push(`its entry does not name pack ${page.pack}`);
    for (const { pack } of manifest.sidecar ?? [])
      if (!named.has(pack)) problems.push(`its entry does not name pack ${pack}`);
    await readSidecar(reader, manifest, signal);
    for (const stream of manifest.streams) {
      const tally = { bytes: 0, segments: 0 };
      const fresh = async function* (): AsyncIterable<SegmentRef> {
        for await (const ref of reader.segments(stream, signal)) {
          tally.bytes += ref.plain;
          tally.segments++;
          if (!named.has(ref.pack)) problems.push(`its entry does not name pack ${ref.pack}`);
          const place = `${chainName(item.entry)}/${ref.pack}/${ref.offset}/${ref.sha256.slice(0, 16)}/${ref.key.slice(0, 16)}`;
          if (opened.has(place)) continue;
          opened.add(place);
          totals.segments++;
          yield ref;
        }
      };
      for await (const piece of reader.open(fresh(), stream.name, signal)) {
        totals.bytes += piece.length;
        onProgress(piece.length, `${item.entry.snapshot} ${stream.name}`);
      }
      if (tally.bytes !== stream.bytes || tally.segments !== stream.segments) {
        problems.push(`stream ${stream.name} has ${tally.bytes} of ${stream.bytes} bytes`);
      }
    }
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED') || (isHoldfastError(error) && error.exit === 'noKey'))
      throw error;
    problems.push(reasonOf(error));
  }
  return { ...totals, problems: [...new Set(problems)] };
}
