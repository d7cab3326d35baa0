/** Which revision of a snapshot counts, and where its parts lie: by the ledger, never by what happens to be there. */
import { verifyStatement } from '../openpgp/statement.ts';
import type { ObjectInfo } from '../stores/store.ts';
import { isHoldfastError } from '../errors.ts';
import { bindingOf, parseAmendment } from './amendment.ts';
import { sha256Hex } from './entry.ts';
import type { Binding, Entry } from './entry.ts';
import { amendmentDiffers, amendmentMissing, amendmentUnknown } from './errors.ts';
import {
  amendmentRevision,
  manifestKey,
  manifestRevision,
  parseSnapshotKey,
  snapshotFolder,
} from './layout.ts';
import type { NamedRevision } from './ledger-events.ts';
import type { Session } from './session.ts';

/** The revision of a snapshot that counts: what restore, verify, expire and copies go by. */
export interface CurrentRevision {
  /** 0 is what the run wrote. */
  readonly revision: number;
  /** Where the manifest lies, with a slash at the end; the entry may lie elsewhere. */
  readonly folder: string;
  /** Days of the prefix of that folder. */
  readonly days: number;
  readonly manifestKey: string;
  /** The manifest as the listing shows it; undefined when it is gone. */
  readonly listed: ObjectInfo | undefined;
  /** Of the manifest. */
  readonly sha256: string;
  /** Of the manifest. */
  readonly bytes: number;
  readonly packs: readonly (readonly [ref: string, bytes: number])[];
  readonly recipients: readonly string[];
  /** What the manifest must state. */
  readonly binding: Binding;
  /** Who has signed entry or amendment, and so the manifest. */
  readonly signer: string;
  /** Undefined for revision 0. */
  readonly amendmentKey: string | undefined;
  /** The rotation or purge that made it; undefined for revision 0. */
  readonly request: string | undefined;
}

interface About {
  readonly entry: Entry;
  readonly sha256: string;
  readonly signer: string;
  readonly objects: readonly ObjectInfo[];
  readonly named: NamedRevision | undefined;
}

/** Finds the revision that counts; what keeps it from being found is kept, so that it stops this snapshot only. */
export async function findCurrent(
  session: Pick<Session, 'store' | 'operators'>,
  about: About,
  signal: AbortSignal,
): Promise<{ readonly current: CurrentRevision | undefined; readonly trouble: unknown }> {
  try {
    const revision = about.named?.revision ?? 0;
    const current = revision === 0 ? unamended(about) : await amended(session, about, revision, signal);
    return { current, trouble: undefined };
  } catch (error) {
    if (isHoldfastError(error, 'CANCELLED')) throw error;
    return { current: undefined, trouble: error };
  }
}

function unamended({ entry, signer, objects, named }: About): CurrentRevision {
  const amendments = placesOf(entry.set, objects).filter(({ name }) => name.startsWith('amend-'));
  // What no intent announces is no run that stopped half-way: then it is the ledger that is not whole.
  if (amendments.length > 0 && !named?.announced) throw amendmentUnknown(entry.snapshot);
  return {
    ...whereManifestLies(entry, objects, 0, entry.keep_days),
    sha256: entry.manifest.sha256,
    bytes: entry.manifest.bytes,
    packs: entry.packs,
    recipients: entry.recipients,
    binding: bindingOf(entry),
    signer,
    amendmentKey: undefined,
    request: undefined,
  };
}

async function amended(
  { store, operators }: Pick<Session, 'store' | 'operators'>,
  about: About,
  revision: number,
  signal: AbortSignal,
): Promise<CurrentRevision> {
  const { entry, objects, named } = about;
  const places = placesOf(entry.set, objects).filter(({ name }) => amendmentRevision(name) === revision);
  let found: { readonly key: string; readonly days: number; readonly bytes: Buffer } | undefined;
  for (const { key, days } of places) {
    const bytes = await store.get(key, undefined, signal);
    if (named?.sha256.includes(sha256Hex(bytes))) found ??= { key, days, bytes };
  }
  if (!found) throw places[0] ? amendmentDiffers(places[0].key) : amendmentMissing(entry.snapshot, revision);
  const { key, days, bytes } = found;
  const { value, signer } = await verifyStatement(bytes, operators, key);
  const amendment = parseAmendment(value, about, { revision, days }, key);
  return {
    ...whereManifestLies(entry, objects, revision, days),
    sha256: amendment.manifest.sha256,
    bytes: amendment.manifest.bytes,
    packs: amendment.packs,
    recipients: amendment.recipients,
    binding: bindingOf(amendment),
    signer,
    amendmentKey: key,
    request: amendment.request,
  };
}

/** The manifest below the longest life, where a copy has it twice; where it should be, when it is gone. */
function whereManifestLies(
  { set, snapshot }: Entry,
  objects: readonly ObjectInfo[],
  revision: number,
  days: number,
) {
  const found = placesOf(set, objects).find(({ name }) => manifestRevision(name) === revision);
  const folder = snapshotFolder(set, found?.days ?? days, snapshot);
  return {
    revision,
    folder,
    days: found?.days ?? days,
    manifestKey: manifestKey(folder, revision),
    listed: found?.object,
  };
}

/** The objects with their places, the longest life first. */
function placesOf(set: string, objects: readonly ObjectInfo[]) {
  return objects
    .flatMap((object) => {
      const place = parseSnapshotKey(set, object.key);
      return place ? [{ ...place, key: object.key, object }] : [];
    })
    .sort((a, b) => b.days - a.days);
}

/**
 * Manifests and amendments that do not count: of revisions that were replaced, or of a run that did not finish. The
 * first are what a recipient of before can still open.
 */
export function otherRevisions(
  { entry, objects }: Pick<About, 'entry' | 'objects'>,
  { revision }: Pick<CurrentRevision, 'revision'>,
): { readonly superseded: ObjectInfo[]; readonly unfinished: ObjectInfo[] } {
  const others = placesOf(entry.set, objects).flatMap(({ name, object }) => {
    const of = manifestRevision(name) ?? amendmentRevision(name);
    return of === undefined || of === revision ? [] : [{ of, object }];
  });
  return {
    superseded: others.filter(({ of }) => of < revision).map(({ object }) => object),
    unfinished: others.filter(({ of }) => of > revision).map(({ object }) => object),
  };
}
