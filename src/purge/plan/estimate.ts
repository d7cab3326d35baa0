/** How many bytes a purge will move, told from what the search has found. Pure. */
import type { CatalogEntry } from '../../repository/catalog.ts';
import { packKey } from '../../repository/layout.ts';
import type { RetiredPlace } from '../../repository/purges.ts';
import { affected } from '../rewrite/affected.ts';
import { isTouched } from '../rewrite/amend.ts';
import { mostRows } from './kept.ts';
import type { ArchiveSlice, Located } from '../locate/located.ts';
import type { Estimate } from './planned-place.ts';
import type { TableCounts } from './table-counts.ts';

/**
 * @param retired - the segments and pages that are replaced
 * @param entries - all of the set
 */
export function estimateOf(
  { snapshots, opened }: Located,
  retired: readonly RetiredPlace[],
  entries: readonly CatalogEntry[],
  counts: readonly { readonly tables: Readonly<Record<string, TableCounts>> }[],
): Estimate {
  const touched = snapshots.filter(isTouched);
  const units = new Map(
    touched.flatMap(({ streams, archive }) => [
      ...[...streams.values()].flatMap((stream) =>
        [...stream.units.values()].map(({ key, unit }) => [key, sum(unit.segments)] as const),
      ),
      ...(archive?.runs ?? []).map(({ key, slices }) => [key, sum(segmentsOf(slices))] as const),
    ]),
  );
  const pages = new Map(
    touched.flatMap(({ item, manifest }) =>
      manifest.pages.map((page) => {
        const { writer, chain } = item.entry;
        return [[writer, chain, page.pack, page.offset].join(' '), page.length] as const;
      }),
    ),
  );
  const looked = new Map(
    snapshots.flatMap(({ item, manifest }) =>
      [...manifest.pages, ...(manifest.sidecar ?? [])].map((ref) => {
        const { writer, chain } = item.entry;
        return [[writer, chain, ref.pack, ref.offset].join(' '), ref.length] as const;
      }),
    ),
  );
  const replaced = total(units.values()) + total(retired.map((place) => pages.get(place.join(' ')) ?? 0));
  const manifestsOf = (items: readonly CatalogEntry[]) =>
    total(items.map(({ current }) => current?.bytes ?? 0));
  const packs = new Map(
    entries.flatMap((item) =>
      (item.current?.packs ?? item.entry.packs).map(([ref, bytes]) => [packKey(item.entry, ref), bytes]),
    ),
  );
  return {
    read: opened.bytes + total(looked.values()) + replaced + manifestsOf(snapshots.map(({ item }) => item)),
    written: replaced + manifestsOf(affected(snapshots).map(({ item }) => item)),
    stored: total(packs.values()) + manifestsOf(entries),
    rows: mostRows(counts),
  };
}

/** The segments that parts of a run are in: what goes as a whole is not read. */
function segmentsOf(slices: readonly ArchiveSlice[]): readonly { readonly length: number }[] {
  return [...new Set(slices.flatMap((slice) => (Buffer.isBuffer(slice) ? [] : [slice.ref])))];
}

function sum(segments: readonly { readonly length: number }[]): number {
  return total(segments.map(({ length }) => length));
}

function total(numbers: Iterable<number>): number {
  let all = 0;
  for (const number of numbers) all += number;
  return all;
}
