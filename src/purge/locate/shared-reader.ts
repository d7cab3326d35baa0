/** Readers of snapshots that read a key page once, however many of them have it. */
import type { ChainPlace } from '../../repository/layout.ts';
import type { Manifest, PageRef } from '../../repository/manifest.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import { SnapshotReader } from '../../restore/reader.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { ReadStore } from '../../stores/store.ts';

/** A chain's name within its set. */
export function chainId({ writer, chain }: ChainPlace): string {
  return `${writer}-${chain}`;
}

/** Pages by `pageId`; unchanged ones are the same segments in the next snapshot. */
export type SharedPages = Map<string, Promise<SegmentRef[]>>;

/** What a page is called among those of a set. */
export function pageId(place: ChainPlace, { pack, offset, rows, key }: PageRef): string {
  // The key too: it is what makes the bytes say this, whatever lies at that place.
  return `${chainId(place)}/${pack}/${offset}/${rows}/${key}`;
}

const PAGES_AHEAD = 8;

export class SharedReader extends SnapshotReader {
  readonly #manifest: Manifest;
  readonly #pages: SharedPages;

  constructor(store: ReadStore, manifest: Manifest, pool: Pick<SegmentPool, 'open'>, pages: SharedPages) {
    super(store, manifest, pool);
    this.#manifest = manifest;
    this.#pages = pages;
  }

  protected override get pagesAhead(): number {
    return PAGES_AHEAD;
  }

  override page(index: number, signal: AbortSignal): Promise<SegmentRef[]> {
    const ref = this.#manifest.pages[index];
    if (ref === undefined) return super.page(index, signal);
    const id = pageId(this.#manifest.binding, ref);
    const page = this.#pages.get(id) ?? super.page(index, signal);
    this.#pages.set(id, page);
    return page;
  }
}
