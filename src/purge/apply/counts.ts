/** How many rows a purge has found in which snapshot: numbers only, kept where the operator works until it is done. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readState, writeState } from '../../repository/state-files.ts';
import type { LocatedSnapshot } from '../locate/located.ts';
import { keptRows } from '../plan/kept.ts';
import { tableCountsSchema } from '../plan/table-counts.ts';
import type { TableCounts } from '../plan/table-counts.ts';

const schema = z.record(z.string(), z.record(z.string(), tableCountsSchema));

/** By snapshot and table. */
export type PurgeCounts = Readonly<Record<string, Readonly<Record<string, TableCounts>>>>;

/**
 * The rows that were found in a snapshot, by table.
 * @param from - when the plan was made: from then on the lengths count for which the map keeps rows
 */
export function countsOf(
  { closure }: Pick<LocatedSnapshot, 'closure'>,
  from: Date,
): Record<string, TableCounts> {
  const tables = [...closure.counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    tables.map(([table, counts]) => {
      const kept = keptRows(closure.affected.get(table)?.values() ?? [], from);
      return [table, { ...counts, ...(kept.length > 0 && { kept }) }];
    }),
  );
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
