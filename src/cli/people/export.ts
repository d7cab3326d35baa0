/** The rows of a subject as files: JSON that says everything, and CSV (RFC 4180) of each table. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HoldfastError, reasonOf } from '../../errors.ts';
import type { ExportedRow } from '../../purge/export.ts';
import type { CliContext } from '../context.ts';
import { formatPlural } from '../terminal/format.ts';

export interface ExportAbout {
  readonly set: string;
  readonly snapshot: string;
  readonly time: string;
  /** As it was asked for. */
  readonly subject: string;
}

/**
 * Writes them into a new folder that only its owner can read, or as JSON to stdout.
 * @throws HoldfastError EXPORT_NOT_WRITTEN
 */
export async function writeExport(
  context: CliContext,
  about: ExportAbout,
  rows: AsyncIterable<ExportedRow>,
  folder: string | undefined,
): Promise<{ readonly tables: number; readonly rows: number }> {
  const { output } = context;
  const all = await Array.fromAsync(rows);
  for (const row of all) output.record({ type: 'row', table: row.table, values: asObject(row) });
  const tables = Map.groupBy(all, ({ table }) => table);
  const json = Object.fromEntries([...tables].map(([table, own]) => [table, own.map(asObject)]));
  const text = `${JSON.stringify({ ...about, tables: json }, undefined, 2)}\n`;
  if (folder !== undefined) {
    const files = [['subject.json', text] as const, ...[...tables.values()].map(csvFile)];
    await writeFolder(folder, files);
    output.line(
      `wrote ${formatPlural(all.length, 'row')} of ${formatPlural(tables.size, 'table')} to ${folder}`,
    );
  } else if (!context.json) await output.write(text);
  return { tables: tables.size, rows: all.length };
}

function asObject({ columns, values }: ExportedRow): Record<string, string | null> {
  return Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]));
}

/** NULL is nothing, and an empty text is `""`. */
function csvFile(rows: readonly ExportedRow[], index: number): readonly [name: string, text: string] {
  const [first] = rows;
  const lines = [first?.columns ?? [], ...rows.map(({ values }) => values)];
  const text = lines.map((fields) => `${fields.map(csvField).join(',')}\r\n`).join('');
  const name = (first?.table ?? '').replace(/[^A-Za-z0-9._-]+/g, '_').slice(0, 80);
  return [`${String(index + 1).padStart(2, '0')}-${name}.csv`, text];
}

function csvField(value: string | null): string {
  if (value === null) return '';
  return /^[^",\r\n]+$/.test(value) ? value : `"${value.replaceAll('"', '""')}"`;
}

async function writeFolder(folder: string, files: readonly (readonly [string, string])[]): Promise<void> {
  try {
    await mkdir(resolve(folder), { mode: 0o700 });
    for (const [name, text] of files)
      await writeFile(join(resolve(folder), name), text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new HoldfastError({
      code: 'EXPORT_NOT_WRITTEN',
      exit: 'target',
      message: `cannot write ${folder}: ${isThere ? 'it is there already' : reasonOf(error)}`,
      hint: 'Name a folder that is not there yet, below one that you may write to.',
      cause: error,
    });
  }
}
