/** New revisions of streams that change as a whole: emptied, or with text behind them. */
import type { ManifestStream } from '../../repository/manifest.ts';
import type { SegmentRef } from '../../repository/pages.ts';
import { noCopyDrop } from '../errors.ts';
import type { LocatedSnapshot } from '../locate/located.ts';
import type { StreamCounts } from './manifest-text.ts';

/** What happens to the segments of a snapshot, as it is put together: see `SegmentChanges`. */
export interface OpenChanges {
  readonly replaced: Map<number, readonly SegmentRef[]>;
  readonly inserted: Map<number, readonly SegmentRef[]>;
  /** Of streams that change, by name. */
  readonly counts: Map<string, StreamCounts>;
}

/**
 * Adds the changes of whole streams to those of rows.
 * @param seal - seals text
 * @throws HoldfastError PURGE_EDIT_UNSOUND for a COPY block, which cannot be emptied like this, and what sealing throws
 */
export async function changeWholeStreams(
  { manifest, whole }: Pick<LocatedSnapshot, 'manifest' | 'whole'>,
  { replaced, inserted, counts }: OpenChanges,
  seal: (text: string) => Promise<readonly SegmentRef[]>,
): Promise<void> {
  const edits = new Map(whole.map(({ stream, ...edit }) => [stream, edit]));
  let first = 0;
  // In the order of the streams: texts behind an empty one and behind the one before it meet at one place.
  for (const stream of manifest.streams) {
    const edit = edits.get(stream.name);
    const end = first + stream.segments;
    if (edit?.drop) {
      if (stream.dialect === 'pg-copy') throw noCopyDrop(stream.name);
      for (let segment = first; segment < end; segment++) replaced.set(segment, []);
      counts.set(stream.name, { segments: 0, rows: 0, bytes: 0 });
    }
    if (edit?.append !== undefined) {
      const refs = await seal(edit.append);
      inserted.set(end, [...(inserted.get(end) ?? []), ...refs]);
      counts.set(stream.name, longer(counts.get(stream.name) ?? stream, refs));
    }
    first = end;
  }
}

function longer(
  { segments, rows, bytes }: StreamCounts | ManifestStream,
  refs: readonly SegmentRef[],
): StreamCounts {
  const more = refs.reduce((sum, { plain }) => sum + plain, 0);
  return { segments: segments + refs.length, rows, bytes: bytes + more };
}
