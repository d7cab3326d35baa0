/** From places in the bytes of a unit to rows and columns. Pure. */
import { createHash } from 'node:crypto';
import type { RowCodec } from '../../rows/codec.ts';
import type { Identifiers, Place } from './identifiers.ts';
import type { PlacedUnit } from '../locate/units.ts';

/** A value of a row in which an identifier stands; several in one are one. */
export interface FoundMention {
  /** Where the row begins in the unit's plaintext; where there are no rows, where the identifier stands. */
  readonly start: number;
  /** Of the bare row: equal for the same row in another segment. */
  readonly digest: string;
  /** In the codec's columns; undefined for what is no row, or outside of its values. */
  readonly position: number | undefined;
}

/**
 * Where somebody is mentioned in a unit.
 * @throws HoldfastError ROW_UNREADABLE
 */
export function findMentions(
  plain: Buffer,
  { codec, ordinal }: Pick<PlacedUnit, 'ordinal'> & { readonly codec: RowCodec | undefined },
  identifiers: Identifiers,
): readonly FoundMention[] {
  const places = identifiers.find(plain).toSorted((a, b) => a.start - b.start);
  if (places.length === 0) return [];
  if (codec === undefined) {
    const digest = digestOf(plain);
    return places.map(({ start }) => ({ start, digest, position: undefined }));
  }
  const found: FoundMention[] = [];
  let next = 0;
  for (const { start, end, isRow } of codec.rows(plain, ordinal === 0)) {
    const inside: Place[] = [];
    for (let place = places[next]; place && place.start < end; place = places[++next]) inside.push(place);
    if (inside.length === 0) continue;
    const row = plain.subarray(start, end);
    const digest = digestOf(isRow ? (codec.bare?.(row) ?? row) : row);
    const positions = isRow ? columnsAt(row, start, inside, codec) : [undefined];
    for (const position of positions) found.push({ start, digest, position });
  }
  return found;
}

/** The columns of a row in which one of the identifiers stands, by position. */
export function mentionedColumns(row: Buffer, identifiers: Identifiers, codec: RowCodec): readonly number[] {
  const places = identifiers.find(row);
  if (places.length === 0) return [];
  return [...columnsAt(row, 0, places, codec)].filter((position) => position !== undefined);
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}

function columnsAt(
  row: Buffer,
  rowStart: number,
  places: readonly Place[],
  codec: RowCodec,
): ReadonlySet<number | undefined> {
  const fields = codec.fields(row);
  const positions = places.map(({ start }) => {
    const at = fields.findIndex((field) => start - rowStart >= field.start && start - rowStart < field.end);
    return at === -1 ? undefined : at;
  });
  return new Set(positions);
}
