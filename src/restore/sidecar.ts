/** Reading the side-car of a snapshot back. */
import { damaged } from '../openpgp/errors.ts';
import type { Manifest } from '../repository/manifest.ts';
import type { SegmentRef } from '../repository/pages.ts';
import { parseSidecar, SIDECAR_BYTES_MAX, type Sidecar } from '../repository/sidecar.ts';

export type { Sidecar } from '../repository/sidecar.ts';

/** What fetches and opens segments: a `SnapshotReader`. */
export interface SegmentOpener {
  open(refs: AsyncIterable<SegmentRef>, name: string, signal: AbortSignal): AsyncIterable<Buffer>;
}

/**
 * The side-car of a snapshot; undefined where its run wrote none.
 * @throws HoldfastError DAMAGED, MALFORMED, and what the store throws
 */
export async function readSidecar(
  reader: SegmentOpener,
  manifest: Pick<Manifest, 'binding' | 'sidecar'>,
  signal: AbortSignal,
): Promise<Sidecar | undefined> {
  const { sidecar = [], binding } = manifest;
  if (sidecar.length === 0) return undefined;
  const what = `the side-car of ${binding.snapshot}`;
  const bytes = sidecar.reduce((sum, { plain }) => sum + plain, 0);
  if (bytes > SIDECAR_BYTES_MAX) throw damaged(what, `it has ${bytes} bytes`);
  const pieces = await Array.fromAsync(reader.open(inOrder(sidecar), what, signal));
  return parseSidecar(Buffer.concat(pieces), what);
}

// eslint-disable-next-line @typescript-eslint/require-await -- the reader takes references as they come
async function* inOrder(refs: readonly SegmentRef[]): AsyncGenerator<SegmentRef> {
  yield* refs;
}
