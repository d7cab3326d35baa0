/** What a purge does to the rows of one table of one snapshot, in numbers: as plans, receipts and this machine keep it. */
import { z } from 'zod';

const whole = z.int().nonnegative();

const keptSchema = z.object({
  /** The legal basis, in the words of the map. */
  because: z.string(),
  /** The last day, `2033-12-31`; absent: the map sets none. */
  until: z.iso.date().optional(),
  /** Also rows that lose some of their values. */
  rows: whole,
});

export const tableCountsSchema = z.object({
  delete: whole,
  change: whole,
  keep: whole,
  /** By legal basis; absent where nothing is kept on one. */
  kept: z.array(keptSchema).optional(),
});

export type TableCounts = z.infer<typeof tableCountsSchema>;
export type KeptRows = z.infer<typeof keptSchema>;
