/** The plaintext of a manifest after a purge: what has changed is written anew, every other byte stays. */
import type { Binding } from '../../repository/entry.ts';
import { formatRef } from '../../repository/pages.ts';
import { checkBinding, parseManifest } from '../../repository/manifest.ts';
import type { Manifest, PageRef } from '../../repository/manifest.ts';

export interface StreamCounts {
  readonly segments: number;
  readonly rows: number;
  readonly bytes: number;
}

export interface ManifestChanges {
  readonly binding: Binding;
  /** By the stream's name: what it holds now. */
  readonly streams: ReadonlyMap<string, StreamCounts>;
  readonly pages: readonly PageRef[];
  /** Says of each line `also …` what takes its place; undefined: nothing does. */
  readonly also: (line: string) => string | undefined;
  /** Further lines `also …`. */
  readonly more?: readonly string[];
}

/**
 * Writes it, and reads it again as every reader will.
 * @throws HoldfastError MALFORMED, BOUND_ELSEWHERE
 */
export function amendManifest(plain: Buffer, changes: ManifestChanges, what: string): AmendedText {
  const { binding, pages, also, more = [] } = changes;
  const [header = '', ...lines] = plain.toString('utf8').split('\n');
  const before = parseManifest(plain, what);
  let at = 0;
  const streams = lines
    .filter((line) => line.startsWith('stream '))
    .map((line) => amendStream(line, before.streams[at++]?.name, changes.streams));
  const others = lines.filter((line) => line.startsWith('also ')).map(also);
  const text = [
    JSON.stringify({ ...(JSON.parse(header) as Record<string, unknown>), ...binding }),
    ...streams,
    ...pages.map((page) => `page ${formatRef(page).trimEnd()}`),
    ...others.filter((line) => line !== undefined),
    ...more,
    `end ${streams.length} ${pages.length}`,
  ];
  const amended = Buffer.from(`${text.join('\n')}\n`, 'utf8');
  const manifest = parseManifest(amended, what);
  checkBinding(manifest.binding, binding, what);
  return { plain: amended, manifest };
}

export interface AmendedText {
  readonly plain: Buffer;
  readonly manifest: Manifest;
}

/** The numbers of a stream's line; its names stay as they were written. */
function amendStream(
  line: string,
  name: string | undefined,
  streams: ReadonlyMap<string, StreamCounts>,
): string {
  const counts = name === undefined ? undefined : streams.get(name);
  if (!counts) return line;
  const { segments, rows, bytes } = counts;
  return line.replace(/^(stream \S+ \S+) \d+ \d+ \d+ /, `$1 ${segments} ${rows} ${bytes} `);
}
