/** Counting what really is in the tables, after everything that could have changed it. */
import { rowsLost, sqlState } from './load-errors.ts';
import { runPlan } from './load-run.ts';
import type { LoadSession } from './load-session.ts';
import { planSteps } from './schedule.ts';

/**
 * Counts each table and compares with what the server took. Frozen rows make this cheap: measured as 1 to 2 % of a
 * restore.
 * @param taken - rows taken by COPY, by table name as SQL
 * @returns the rows that are there, by table name
 * @throws HoldfastError LOAD_ROWS_LOST
 */
export async function countRows(
  sessions: readonly LoadSession[],
  taken: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const steps = [...taken].map(([table, rows]) => ({ name: table, touches: [], weight: rows, rows }));
  const found = new Map<string, number>();
  const count = async ({ name, rows }: (typeof steps)[number], session: LoadSession): Promise<void> => {
    const there = await countTable(session, name);
    if (there !== undefined && there !== rows) throw rowsLost(name, rows, there);
    found.set(name, there ?? rows);
  };
  await runPlan(planSteps(steps), sessions, count, () => Promise.resolve(), signal);
  return Object.fromEntries([...taken.keys()].map((name) => [name, found.get(name) ?? 0]));
}

/** Undefined when this role may load the table but not read it: then COPY's own count must do. */
async function countTable(session: LoadSession, table: string): Promise<number | undefined> {
  try {
    const [row] = await session.query<{ rows: string }>(`SELECT count(*) AS rows FROM ONLY ${table}`);
    return Number(row?.rows);
  } catch (error) {
    if (sqlState(error) === '42501') return undefined;
    throw error;
  }
}
