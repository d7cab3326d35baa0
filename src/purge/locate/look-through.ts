/** Opening snapshots and finding a plan's subjects in them: what plan and apply hand over as `locate`. */
import pLimit from 'p-limit';
import { throwIfCancelled } from '../../errors.ts';
import type { MessageOpener } from '../../openpgp/message.ts';
import type { CatalogEntry } from '../../repository/catalog.ts';
import type { Session } from '../../repository/session.ts';
import { openManifest } from '../../restore/open.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import type { Subject } from '../../subjects/closure.ts';
import { parseSubjectMap } from '../../subjects/parse.ts';
import type { SegmentHints } from './access.ts';
import type { Findings, Located } from './located.ts';
import { locate } from './locate.ts';
import { allOrFirstError } from '../rewrite/new-segments.ts';
import type { SharedPages } from './shared-reader.ts';
import { UnitSet } from './unit-set.ts';

const OPENED_AT_ONCE = 4;

export interface LookThroughOptions {
  readonly session: Session;
  readonly opener: MessageOpener;
  readonly pool: SegmentPool;
  /** The subject map's text. */
  readonly map: string;
  readonly subjects: readonly Subject[];
  /** 32 bytes, hex: the same ones make the same pseudonyms again. */
  readonly pseudonyms: string;
  readonly hints?: SegmentHints;
  /** Units that need not be opened, since nobody is in them. */
  readonly quiet?: UnitSet;
  /** What a search of these snapshots for the same subjects has found before. */
  readonly searched?: Findings | undefined;
  /** For snapshots that came after the plan: tables that are new there may be in their own maps only. */
  readonly fillsGaps?: boolean;
  /** Key pages that were read before; added to. */
  readonly pages?: SharedPages;
  readonly onProgress?: (bytes: number, table: string) => void;
}

/**
 * Finds them in these snapshots.
 * @throws HoldfastError SUBJECTS_INVALID, and what opening manifests and `locate` throw
 */
export async function lookThrough(
  items: readonly CatalogEntry[],
  options: LookThroughOptions,
  signal: AbortSignal,
): Promise<Located> {
  const {
    session,
    opener,
    pool,
    subjects,
    pseudonyms,
    hints,
    quiet,
    searched,
    onProgress,
    fillsGaps = false,
    pages,
  } = options;
  const { map } = parseSubjectMap(options.map, 'the subject map');
  const limit = pLimit(OPENED_AT_ONCE);
  const open = async (item: CatalogEntry) => {
    throwIfCancelled(signal);
    return { item, manifest: await openManifest(session, item, opener, signal), fillsGaps };
  };
  const snapshots = await allOrFirstError(items.map((item) => limit(() => open(item))));
  const input = {
    store: session.store,
    pool,
    snapshots,
    map,
    subjects,
    pseudonyms: Buffer.from(pseudonyms, 'hex'),
    rebuildsAlways: true,
    ...(hints && { hints }),
    ...(quiet && { quiet }),
    ...(pages && { pages }),
    ...(onProgress && { onProgress }),
    signal,
  };
  if (searched === undefined) return locate(input);
  const located = await locate({ ...input, only: UnitSet.of(searched.units) });
  // Another question, by another version of this program perhaps: nobody has looked for its answers elsewhere.
  return located.found.asked === searched.asked ? located : locate(input);
}
