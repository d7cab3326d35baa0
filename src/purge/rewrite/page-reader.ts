/** Reads key pages of one chain, each once for all snapshots that share it, as long as memory allows. */
import { damaged } from '../../openpgp/errors.ts';
import type { PageRef } from '../../repository/manifest.ts';
import { parsePage } from '../../repository/pages.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import { openSegmentAt } from './new-segments.ts';
import type { SegmentSource } from './new-segments.ts';
import { pageId } from '../locate/shared-reader.ts';
import type { SharedPages } from '../locate/shared-reader.ts';

/** A full page takes about a megabyte. */
const KEPT_MAX = 32;

export class PageReader {
  readonly #source: SegmentSource;
  readonly #known: SharedPages;
  readonly #kept = new Map<string, Promise<SegmentRef[]>>();
  /** Sealed bytes that were read. */
  bytesRead = 0;

  /** @param known - pages that were read to look through them */
  constructor(source: SegmentSource, known: SharedPages = new Map()) {
    this.#source = source;
    this.#known = known;
  }

  /** Throws DAMAGED, MALFORMED. */
  read(page: PageRef | undefined, signal: AbortSignal): Promise<SegmentRef[]> {
    if (!page) throw new Error('there is no such page');
    const known = this.#known.get(pageId(this.#source.place, page));
    if (known) return known;
    const place = `${page.pack} ${page.offset} ${page.sha256} ${page.key}`;
    const refs = this.#kept.get(place) ?? this.#read(page, signal);
    // The one that was asked for last stays longest.
    this.#kept.delete(place);
    this.#kept.set(place, refs);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > KEPT_MAX && oldest !== undefined) this.#kept.delete(oldest);
    return refs;
  }

  async #read(page: PageRef, signal: AbortSignal): Promise<SegmentRef[]> {
    const what = `the key page in ${page.pack} at ${page.offset}`;
    this.bytesRead += page.length;
    const refs = parsePage(await openSegmentAt(this.#source, page, signal), what);
    if (refs.length !== page.rows) throw damaged(what, `it lists ${refs.length} of ${page.rows} segments`);
    return refs;
  }
}
