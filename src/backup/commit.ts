/** The commit: everything is looked at once more, then the manifest, then the entry, which makes the snapshot exist. */
import type { MessageSealer } from '../openpgp/message.ts';
import { signStatement } from '../openpgp/statement.ts';
import type { openpgp } from '../openpgp/library.ts';
import { sha256Hex } from '../repository/entry.ts';
import type { Binding, Entry } from '../repository/entry.ts';
import { packsVanished } from '../repository/errors.ts';
import { daysOfPack, entryKey, manifestKey, snapshotFolder } from '../repository/layout.ts';
import type { ChainPlace } from '../repository/layout.ts';
import { readLedger } from '../repository/ledger.ts';
import type { Ledger } from '../repository/ledger.ts';
import { followPurges, movedPacks } from '../repository/moves.ts';
import { erasedUntil } from '../repository/purges.ts';
import { formatManifest } from '../repository/manifest.ts';
import type { SegmentRef } from '../repository/pages.ts';
import { packIsUsable } from '../repository/rules.ts';
import type { ChainPolicy } from '../repository/rules.ts';
import type { Session } from '../repository/session.ts';
import type { ObjectLock, PutOptions, Store } from '../stores/store.ts';
import type { SourceInfo } from '../sources/source.ts';
import { listPacks } from './chain.ts';
import type { ReadyChain } from './chain.ts';
import type { Recorded } from './recorder.ts';

export type CommitCheck =
  | { readonly kind: 'go'; readonly ledger: Ledger; readonly packs: [ref: string, bytes: number][] }
  /** Somebody was purged meanwhile, and the run may have referenced a segment that is retired now. */
  | { readonly kind: 'retired' }
  /** The run took so long that a pack would end before the manifest. */
  | { readonly kind: 'too-old' };

/**
 * The fence and the last look at the packs. Nothing is written.
 * @param now - the store's clock
 * @throws HoldfastError PACKS_VANISHED, LEDGER_BROKEN
 */
export async function checkCommit(
  session: Session<Store>,
  chain: ReadyChain,
  recorded: Recorded,
  policy: ChainPolicy,
  now: Date,
  signal: AbortSignal,
): Promise<CommitCheck> {
  const { set, writer, chain: number } = chain.place;
  const known = new Map([...chain.index.packs()].map(({ ref, bytes }) => [ref, bytes]));
  const needed = [...recorded.packs].sort();
  const listed = await listPacks(session.store, chain.place, new Set(needed.map(daysOfPack)), signal);
  const packs: [string, number][] = [];
  for (const ref of needed) {
    const object = listed.get(ref);
    if (!object) {
      if (wasTakenAway(await readLedger(session, set, signal), chain.place, ref)) return { kind: 'retired' };
      throw packsVanished(set, `pack ${ref} is gone`);
    }
    if (object.bytes !== known.get(ref)) throw packsVanished(set, `pack ${ref} has another size`);
    if (!packIsUsable({ modified: object.modified, days: daysOfPack(ref) }, policy, now, true))
      return { kind: 'too-old' };
    packs.push([ref, object.bytes]);
  }
  const ledger = await readLedger(session, set, signal);
  if (followPurges(chain.index, ledger, writer, number) > 0) return { kind: 'retired' };
  return { kind: 'go', ledger, packs };
}

/** A purge says so: of the whole set, or because it has moved what lived in the pack. */
function wasTakenAway(ledger: Ledger, { writer, chain }: ChainPlace, ref: string): boolean {
  if (erasedUntil(ledger)) return true;
  return movedPacks(ledger).some(
    (moved) => moved.writer === writer && moved.chain === chain && moved.pack === ref,
  );
}

export interface CommitParts {
  /** Locks manifest and entry for a while; they must be deletable afterwards, so never compliance. */
  readonly lock: ObjectLock | undefined;
  readonly place: ChainPlace;
  readonly binding: Binding;
  readonly full: boolean;
  readonly prev: Entry['prev'];
  readonly packs: [ref: string, bytes: number][];
  readonly recorded: Recorded;
  /** Objects of the subject index that know segments of it. */
  readonly indexes: readonly SegmentRef[];
  readonly source: SourceInfo;
  readonly durationMs: number;
  readonly tool: string;
}

export interface Committed {
  readonly entry: Entry;
  readonly entrySha256: string;
}

/** Writes manifest and entry. A crash between the two leaves a dead run: a manifest that nothing names. */
export async function commit(
  store: Store,
  parts: CommitParts,
  sealer: MessageSealer,
  signer: openpgp.PrivateKey,
  signal: AbortSignal,
): Promise<Committed> {
  const { binding, recorded, source, lock } = parts;
  const folder = snapshotFolder(binding.set, binding.keep_days, binding.snapshot);
  const manifest = await sealer.seal(
    formatManifest({
      binding,
      source,
      streams: recorded.streams,
      pages: recorded.pages,
      sidecar: recorded.sidecar,
      indexes: parts.indexes,
    }),
  );
  const entry = makeEntry(parts, manifest);
  const entryBytes = await signStatement(entry, signer);
  const options = { ifAbsent: true, ...(lock && { lock }) };
  await putNew(store, manifestKey(folder), manifest, options, signal);
  await putNew(store, entryKey(folder), entryBytes, options, signal);
  return { entry, entrySha256: sha256Hex(entryBytes) };
}

async function putNew(
  store: Store,
  key: string,
  bytes: Buffer,
  options: PutOptions,
  signal: AbortSignal,
): Promise<void> {
  const outcome = await store.put(key, bytes, options, signal);
  if (outcome !== 'written') throw new Error(`${key} exists already`);
}

function makeEntry(
  { binding, full, prev, packs, recorded, source, durationMs, tool }: CommitParts,
  manifest: Buffer,
): Entry {
  return {
    kind: 'entry',
    ...binding,
    full,
    manifest: { sha256: sha256Hex(manifest), bytes: manifest.length },
    packs,
    prev,
    counts: {
      segments: recorded.segments,
      new_segments: recorded.newSegments,
      plain_bytes: recorded.plainBytes,
      new_bytes: recorded.newBytes + manifest.length,
      duration_ms: Math.round(durationMs),
    },
    source: source.kind,
    tool,
  };
}
