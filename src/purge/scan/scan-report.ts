/** What a scan says: numbers, tables and columns, and nothing of what stands there. It goes into plans and receipts. */
import { z } from 'zod';

const whole = z.int().nonnegative();

const mentionSchema = z.looseObject({
  /** The table, or what else of the dump it is: `pre-data`, `the side-car`. */
  table: z.string(),
  column: z.string().optional(),
  /** Different rows (of a script: segments) that mention them; one that is in many snapshots is one. */
  rows: whole,
  /** Of these, rows that the subject map knows as theirs, and that it keeps or keeps in part. */
  own: whole,
  /** Snapshots that have such a row. */
  snapshots: whole,
});

export const scanSchema = z.looseObject({
  /** Different values that were looked for, and the columns of the root table that they come from. */
  values: whole,
  columns: z.array(z.string()),
  /** Columns whose values are too short to be looked for. */
  tooShort: z.array(z.string()),
  /** Segments that were looked through, each once, with their bytes of plaintext. */
  segments: whole,
  bytes: whole,
  /** In what stays; none: nothing was found. */
  mentions: z.array(mentionSchema),
});

export type Mention = z.infer<typeof mentionSchema>;
export type ScanReport = z.infer<typeof scanSchema>;
