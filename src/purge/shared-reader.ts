/** Readers of snapshots that read a key page once, however many of them have it. */
import type { ChainPlace } from '../repository/layout.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { SegmentRef } from '../repository/pages.ts';
import { SnapshotReader } from '../restore/reader.ts';
import type { SegmentPool } from '../segments/pool.ts';
import type { ReadStore } from '../stores/store.ts';

/** A chain's name within its set. */
export function chainId({ writer, chain }: ChainPlace): string {
  return `${writer}-${chain}`;
}

/** Pages by chain and place; unchanged ones are the same segments in the next snapshot. */
export type SharedPages = Map<string, Promise<SegmentRef[]>>;

export class SharedReader extends SnapshotReader {
  readonly #manifest: Manifest;
  readonly #pages: SharedPages;

  constructor(store: ReadStore, manifest: Manifest, pool: Pick<SegmentPool, 'open'>, pages: SharedPages) {
    super(store, manifest, pool);
    this.#manifest = manifest;
    this.#pages = pages;
  }

  override page(index: number, signal: AbortSignal): Promise<SegmentRef[]> {
    const ref = this.#manifest.pages[index];
    if (ref === undefined) return super.page(index, signal);
    // The key too: it is what makes the bytes say this, whatever lies at that place.
    const id = `${chainId(this.#manifest.binding)}/${ref.pack}/${ref.offset}/${ref.rows}/${ref.key}`;
    const page = this.#pages.get(id) ?? super.page(index, signal);
    this.#pages.set(id, page);
    return page;
  }
}
