/** How many rows a purge has found in which snapshot: numbers only, kept where the operator works until it is done. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readState, writeState } from '../repository/state-files.ts';
import type { LocatedSnapshot } from './located.ts';
import type { TableCounts } from './request.ts';

const whole = z.int().nonnegative();
const schema = z.record(
  z.string(),
  z.record(z.string(), z.object({ delete: whole, change: whole, keep: whole })),
);

/** By snapshot and table. */
export type PurgeCounts = Readonly<Record<string, Readonly<Record<string, TableCounts>>>>;

/** The rows that were found in a snapshot, by table. */
export function countsOf({ closure }: Pick<LocatedSnapshot, 'closure'>): Record<string, TableCounts> {
  return Object.fromEntries([...closure.counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export async function readCounts(folder: string, id: string): Promise<PurgeCounts> {
  return (await readState(fileOf(folder, id), schema)) ?? {};
}

/** Adds what was found; before the ledger says that it counts, since afterwards it cannot be found any more. */
export async function rememberCounts(folder: string, id: string, counts: PurgeCounts): Promise<void> {
  await writeState(fileOf(folder, id), { ...(await readCounts(folder, id)), ...counts });
}

export function forgetCounts(folder: string, id: string): Promise<void> {
  return rm(fileOf(folder, id), { force: true });
}

function fileOf(folder: string, id: string): string {
  return join(folder, `purge-${id}.json`);
}
