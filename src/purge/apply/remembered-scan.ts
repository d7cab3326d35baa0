/**
 * What the scan of a plan has found, kept where the operator works until the purge is done: numbers, tables and columns.
 * Who goes on with a purge has no plan at hand, and its receipt must not say that nobody has looked.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readState, writeState } from '../../repository/state-files.ts';
import type { PurgePlan } from '../plan/request.ts';
import { scanSchema } from '../scan/scan-report.ts';
import type { ScanReport } from '../scan/scan-report.ts';

type Scanned = Pick<PurgePlan, 'id' | 'scan'>;

/** Before anything is announced. */
export async function rememberScan(folder: string, { id, scan }: Scanned): Promise<void> {
  if (scan) await writeState(fileOf(folder, id), scan);
}

/** The plan's, or that of the plan with which the purge was begun on this machine. */
export async function scanOf(folder: string, { id, scan }: Scanned): Promise<ScanReport | undefined> {
  return scan ?? (await readState(fileOf(folder, id), scanSchema));
}

/** When the purge is done. */
export function forgetScan(folder: string, id: string): Promise<void> {
  return rm(fileOf(folder, id), { force: true });
}

function fileOf(folder: string, id: string): string {
  return join(folder, `purge-${id}-scan.json`);
}
