/** Manifests that count for nothing and are there all the same: older revisions, dead runs, in the store and its copies. */
import { reasonOf } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import { sha256Hex } from '../../repository/entry.ts';
import { manifestRevision, parseSnapshotKey } from '../../repository/layout.ts';
import { parseManifest } from '../../repository/manifest.ts';
import type { Manifest } from '../../repository/manifest.ts';
import type { Session } from '../../repository/session.ts';
import type { SetView } from '../../restore/open.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { ObjectVersion, Store } from '../../stores/store.ts';
import { describeMention } from '../scan/describe-scan.ts';
import type { Identifiers } from '../scan/identifiers.ts';
import { listManifests } from '../apply/manifests.ts';
import type { Receipt } from './receipt.ts';
import { scanSnapshots } from '../scan/scan.ts';
import { mustGoOn } from './verify-findings.ts';
import type { Findings } from './verify-findings.ts';

export interface StrayOptions {
  readonly session: Session<Store>;
  readonly receipt: Receipt;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  readonly copies: readonly { readonly name: string; readonly store: Store }[];
  readonly identifiers: Identifiers;
}

/** Opens each of them, and searches what it leads to. */
export async function searchStrays(
  options: StrayOptions,
  { catalog, now }: SetView,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  const { session, receipt, copies } = options;
  // What counts was searched already, by its hash: a copy has the same bytes.
  const seen = new Set(
    catalog.entries.flatMap(({ entry, current }) =>
      current?.listed && new Date(entry.end) > now ? [current.sha256] : [],
    ),
  );
  for (const { name, store } of [{ name: session.store.url, store: session.store }, ...copies]) {
    const found = (await listManifests(store, receipt.set, signal)).filter((one) =>
      isManifest(one, receipt.set),
    );
    const hidden = found.filter(({ isLatest }) => !isLatest).length;
    if (hidden > 0)
      findings.unchecked.push(
        `${name}: ${hidden} older versions of manifests are there, which were not opened`,
      );
    for (const { key } of found.filter(({ isLatest }) => isLatest))
      await searchOne(options, { name, store, key }, seen, findings, signal);
  }
}

function isManifest({ key, isMarker }: ObjectVersion, set: string): boolean {
  const place = parseSnapshotKey(set, key);
  return !isMarker && place !== undefined && manifestRevision(place.name) !== undefined;
}

interface Stray {
  readonly name: string;
  readonly store: Store;
  readonly key: string;
}

async function searchOne(
  { session, opener, pool, identifiers }: StrayOptions,
  { name, store, key }: Stray,
  seen: Set<string>,
  findings: Findings,
  signal: AbortSignal,
): Promise<void> {
  let manifest: Manifest;
  try {
    const sealed = await store.get(key, undefined, signal);
    const hash = sha256Hex(sealed);
    if (seen.has(hash)) return;
    seen.add(hash);
    const { plain } = await opener.open(sealed, session.trust, key);
    manifest = parseManifest(plain, key);
  } catch (error) {
    mustGoOn(error, signal);
    findings.unchecked.push(`${name}: ${key} cannot be opened: ${reasonOf(error)}`);
    return;
  }
  try {
    const report = await scanSnapshots({ store, pool, snapshots: [{ manifest }], identifiers }, signal);
    findings.searched.segments += report.segments;
    findings.searched.bytes += report.bytes;
    for (const mention of report.mentions)
      findings.problems.push(`${name}: ${key} can be opened, and names them in ${describeMention(mention)}`);
    if (report.mentions.length === 0)
      findings.notes.push(`${name}: ${key} can be opened, and does not name them`);
  } catch (error) {
    mustGoOn(error, signal);
    findings.notes.push(`${name}: ${key} can be opened, but not all that it leads to: ${reasonOf(error)}`);
  }
}
