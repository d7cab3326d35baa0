/** What a plan has read that its apply will read, too. Pure. */
import { packKey } from '../../repository/layout.ts';
import type { Located } from '../locate/located.ts';

/** Where something begins in an object of the store. */
export interface PlacedObject {
  readonly key: string;
  readonly offset: number;
}

/** Side-cars, key pages, and the segments in which somebody was found. */
export function readAgain({ snapshots, loud }: Pick<Located, 'snapshots' | 'loud'>): PlacedObject[] {
  const listed = snapshots.flatMap(({ manifest }) =>
    [...manifest.pages, ...(manifest.sidecar ?? [])].map(
      (ref) => [packKey(manifest.binding, ref.pack), ref.offset] as const,
    ),
  );
  const found = loud.flatMap(({ place, segments }) =>
    segments.map((ref) => [packKey(place, ref.pack), ref.offset] as const),
  );
  const places = new Map([...listed, ...found].map(([key, offset]) => [`${key} ${offset}`, { key, offset }]));
  return [...places.values()];
}
