/** What a plan says of text that no map describes: rows that stay with less in them, and, when asked, everything else. */
import type { Session } from '../../repository/session.ts';
import type { SegmentPool } from '../../segments/pool.ts';
import { parseSubjectMap } from '../../subjects/parse.ts';
import { EditGuard, mentionsInEdited } from '../rewrite/edit-guard.ts';
import { identifiersOf } from '../scan/identifiers.ts';
import type { Located } from '../locate/located.ts';
import { scanSnapshots } from '../scan/scan.ts';
import type { ScanReport } from '../scan/scan-report.ts';

export interface PlanScanOptions {
  readonly session: Pick<Session, 'store'>;
  readonly pool: SegmentPool;
  /** The subject map's text. */
  readonly map: string;
  /** Look through everything. */
  readonly scan?: boolean;
  readonly onProgress?: (bytes: number, table: string) => void;
}

export interface PlanScan {
  /** Rows that would stay and still name them: sentences with table and column. */
  readonly problems: readonly string[];
  /** Undefined when it was not asked for. */
  readonly scan: ScanReport | undefined;
}

/** @throws HoldfastError what opening and reading segments throws */
export async function scanForPlan(
  located: Located,
  { session: { store }, pool, map, scan = false, onProgress }: PlanScanOptions,
  signal: AbortSignal,
): Promise<PlanScan> {
  const identifiers = identifiersOf(located.subjects, parseSubjectMap(map, 'the subject map').map);
  const problems = await mentionsInEdited(located, new EditGuard(identifiers), { store, pool }, signal);
  if (!scan) return { problems, scan: undefined };
  const snapshots = located.snapshots.map((one) => ({ manifest: one.manifest, located: one }));
  const report = await scanSnapshots(
    { store, pool, snapshots, identifiers, ...(onProgress && { onProgress }) },
    signal,
  );
  return { problems, scan: report };
}
