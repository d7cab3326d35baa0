/** What lies below `keep-NNN/`: everything whose life is in its key, with all of its versions. */
import { daysOfPrefix, manifestRevision, parseSnapshotKey } from '../repository/layout.ts';
import type { ObjectVersion, ReadStore } from '../stores/store.ts';

/** Objects of one kind go together. `other` is what a later version may add; it goes by age like the rest. */
export type ObjectKind = 'manifest' | 'record' | 'pack' | 'other';

/** An object with a life, all its versions taken together. */
export interface MortalObject {
  readonly key: string;
  readonly set: string;
  readonly kind: ObjectKind;
  /** Of manifests and records (entries, amendments): the snapshot. */
  readonly snapshot: string | undefined;
  /** Its life, from its key. */
  readonly days: number;
  /** Of all versions. */
  readonly bytes: number;
  /** When the store took its newest version; of an object that has markers only, the newest of those. */
  readonly modified: Date;
  /** False: only old versions and delete markers are left. */
  readonly isLatest: boolean;
}

/** What a key says; undefined for one that does not lie below `keep-NNN/SET/`. */
export function parseMortalKey(
  key: string,
): Pick<MortalObject, 'set' | 'kind' | 'snapshot' | 'days'> | undefined {
  const [keep = '', set = '', area = '', ...rest] = key.split('/');
  const days = daysOfPrefix(keep);
  if (days === undefined || set === '' || area === '') return undefined;
  const place = parseSnapshotKey(set, key);
  if (place !== undefined) {
    const kind = manifestRevision(place.name) === undefined ? 'record' : 'manifest';
    return { set, days, kind, snapshot: place.snapshot };
  }
  const isPack = area === 'chains' && rest.length === 3 && rest[1] === 'packs';
  return { set, days, kind: isPack ? 'pack' : 'other', snapshot: undefined };
}

/**
 * Lists everything that has a life, in one sweep: its requests do not depend on the number of sets or prefixes.
 * @param versioned - whether old versions may be there; the sweep then needs the right to list them
 */
export async function listMortal(
  store: ReadStore,
  versioned: boolean,
  signal: AbortSignal,
): Promise<MortalObject[]> {
  const found = new Map<string, MortalObject>();
  for await (const version of versioned ? store.versions('keep-', signal) : latest(store, signal)) {
    const { key } = version;
    const about = parseMortalKey(key);
    if (about !== undefined) found.set(key, together(found.get(key), { ...about, ...asObject(version) }));
  }
  return [...found.values()];
}

async function* latest(store: ReadStore, signal: AbortSignal): AsyncGenerator<ObjectVersion> {
  for await (const info of store.list('keep-', signal)) {
    yield { ...info, version: 'null', isLatest: true, isMarker: false };
  }
}

function asObject({ key, bytes, modified, isLatest, isMarker }: ObjectVersion) {
  return { key, bytes: isMarker ? 0 : bytes, modified, isLatest: isLatest && !isMarker };
}

/** A marker (no bytes) says when somebody removed it, not when it was put: that counts only where nothing else does. */
function together(known: MortalObject | undefined, next: MortalObject): MortalObject {
  if (known === undefined) return next;
  const isLatest = known.isLatest || next.isLatest;
  const bytes = known.bytes + next.bytes;
  const dated = [known, next].filter((one) => one.bytes > 0);
  const modified = (dated.length > 0 ? dated : [known, next]).map((one) => one.modified.getTime());
  return { ...known, bytes, isLatest, modified: new Date(Math.max(...modified)) };
}
