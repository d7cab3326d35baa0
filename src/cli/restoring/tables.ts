/** `--table`: from what a person calls a table to the tables of the dump that hold its rows. */
import type { DumpReader } from '../../sources/source.ts';

/**
 * A partitioned table stands for its partitions, a full-text index for the tables it keeps its content in: neither holds rows
 * of its own. The other engines have nothing of the kind.
 * @returns names as the dump has them, each once, in its order; names that no engine has to translate stay as they are
 * @throws HoldfastError TABLE_UNKNOWN, TABLE_AMBIGUOUS
 */
export async function tablesMeant(
  dump: DumpReader,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (names.length === 0) return names;
  switch (dump.source.kind) {
    case 'postgres': {
      const { tablesOf } = await import('../../sources/postgres/load-tables.ts');
      const { surveyDump } = await import('../../sources/postgres/load-survey.ts');
      return tablesOf(dump.streams, names, (await surveyDump(dump, signal)).partitions);
    }
    case 'sqlite': {
      const { tablesOf } = await import('../../sources/sqlite/selection.ts');
      return tablesOf(dump, names);
    }
    default:
      return [...new Set(names)];
  }
}
