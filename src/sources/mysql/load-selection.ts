/** Which streams of a stored dump a restore loads. */
import { plainName } from '../../rows/mysql-names.ts';
import type { StoredStream } from '../source.ts';
import { notInserts } from './load-errors.ts';

export interface Selection {
  readonly tables: readonly StoredStream[];
  /** What the dump sets before the rows. */
  readonly settings: StoredStream | undefined;
}

/**
 * Chooses the rows of tables, and what has to be set for them. The streams of section `data` that are no table's are two:
 * settings before the rows, and after them, where they end a session that is not ours.
 *
 * @param names - as in `TableInfo.name` or unquoted; everything when undefined
 * @throws HoldfastError LOAD_NOT_INSERT for a stream that nobody knows
 */
export function chooseStreams(
  streams: readonly StoredStream[],
  names: readonly string[] | undefined,
): Selection {
  const data = streams.filter(({ section }) => section === 'data');
  const strange = data.find(({ table, name }) => table === undefined && !SETTINGS.includes(name));
  if (strange !== undefined) throw notInserts(strange.name, 'a part of the data that is no table');
  const wanted = names && new Set(names.flatMap((name) => [name, plainName(name)]));
  const tables = data.filter(
    ({ table }) =>
      table !== undefined &&
      (wanted === undefined || wanted.has(table.name) || wanted.has(plainName(table.name))),
  );
  return { tables, settings: data.find(({ name }) => name === SETTINGS[0]) };
}

const SETTINGS: readonly string[] = ['data-begin', 'data-end'];
