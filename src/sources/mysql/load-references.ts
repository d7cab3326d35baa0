/** References between tables, which no server looks at while rows come in any order: looked at when all are there. */
import { backquoted, tableName } from '../../rows/mysql-names.ts';
import type { Target } from './load-target.ts';
import type { BrokenReference } from '../source.ts';
import { queryJson } from './client.ts';
import { inParallel } from './load-data.ts';
import { runScript, scriptOf } from './load-process.ts';

interface Reference {
  readonly table: string;
  readonly name: string;
  readonly columns: readonly string[];
  /** The other table's database, where it is not this one. */
  readonly elsewhere: string | null;
  readonly references: string;
  readonly referenced: readonly string[];
}

interface ReferenceRow {
  readonly table: string;
  readonly name: string;
  readonly column: string;
  readonly elsewhere: string | null;
  readonly references: string;
  readonly referenced: string;
}

const REFERENCES = `SELECT JSON_OBJECT('table', table_name, 'name', constraint_name, 'column', column_name,
  'elsewhere', IF(BINARY referenced_table_schema = BINARY table_schema, NULL, referenced_table_schema),
  'references', referenced_table_name, 'referenced', referenced_column_name)
  FROM information_schema.KEY_COLUMN_USAGE
  WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL
  ORDER BY table_name, constraint_name, ordinal_position`;

export interface ReferenceCheck {
  /** Tables whose rows were loaded, as the server knows them. */
  readonly loaded: ReadonlySet<string>;
  /** Only some tables were chosen: references that this breaks are taken out. */
  readonly isChoice: boolean;
  readonly jobs: number;
}

/**
 * Looks for references to rows that are not there: the source may have had them (checks can be switched off), and a choice
 * of tables makes them.
 *
 * @returns what was found, and foreign keys that were left out, in sentences for people
 * @throws HoldfastError MYSQL_QUERY, LOAD_STATEMENT, CANCELLED
 */
export async function checkReferences(
  target: Target,
  { loaded, isChoice, jobs }: ReferenceCheck,
  signal: AbortSignal,
): Promise<{ readonly broken: readonly BrokenReference[]; readonly leftOut: readonly string[] }> {
  const references = (await readReferences(target, signal)).filter(({ table }) => loaded.has(table));
  const counts = new Map<Reference, number>();
  await inParallel(references, jobs, signal, async (reference, each) => {
    const rows = await countBroken(target, reference, each);
    if (rows > 0) counts.set(reference, rows);
  });
  const found = references.flatMap((reference) => {
    const rows = counts.get(reference);
    return rows === undefined ? [] : [{ reference, rows }];
  });
  const isNotChosen = ({ references: other }: Reference): boolean => isChoice && !loaded.has(other);
  const dropped = found.map(({ reference }) => reference).filter(isNotChosen);
  await inParallel(dropped, jobs, signal, (reference, each) => dropReference(target, reference, each));
  return {
    broken: found
      .filter(({ reference }) => !isNotChosen(reference))
      .map(({ reference: { table, references: other }, rows }) => ({
        table: tableName(table),
        references: tableName(other),
        rows,
      })),
    leftOut: dropped.map(
      ({ name, table, references: other }) =>
        `foreign key ${name} of ${tableName(table)}: ${tableName(other)} was not chosen`,
    ),
  };
}

async function readReferences({ client, database }: Target, signal: AbortSignal): Promise<Reference[]> {
  const question = { sql: REFERENCES, what: 'the foreign keys', database };
  const rows = await queryJson<ReferenceRow>(client, question, signal);
  return [...Map.groupBy(rows, ({ table, name }) => JSON.stringify([table, name])).values()].flatMap(
    (parts) => {
      const [first] = parts;
      if (first === undefined) return [];
      const { table, name, elsewhere, references } = first;
      const columns = parts.map(({ column }) => column);
      return [
        {
          table,
          name,
          elsewhere,
          references,
          columns,
          referenced: parts.map(({ referenced }) => referenced),
        },
      ];
    },
  );
}

/** A reference with a NULL in it points nowhere (MATCH SIMPLE). */
async function countBroken(
  { client, database }: Target,
  { table, name, columns, elsewhere, references, referenced }: Reference,
  signal: AbortSignal,
): Promise<number> {
  const other = `${elsewhere === null ? '' : `${backquoted(elsewhere)}.`}${backquoted(references)}`;
  const isSet = columns.map((column) => `c.${backquoted(column)} IS NOT NULL`);
  const pairs = columns.map(
    (column, at) => `p.${backquoted(referenced[at] ?? '')} = c.${backquoted(column)}`,
  );
  const sql = `SELECT COUNT(*) FROM ${backquoted(table)} c LEFT JOIN ${other} p ON ${pairs.join(' AND ')}
    WHERE ${isSet.join(' AND ')} AND p.${backquoted(referenced[0] ?? '')} IS NULL;\n`;
  const script = { what: `the check of foreign key ${name}`, database, bytes: scriptOf(sql) };
  return Number(await runScript(client, script, signal));
}

async function dropReference(
  { client, database }: Target,
  { table, name }: Reference,
  signal: AbortSignal,
): Promise<void> {
  const sql = `ALTER TABLE ${backquoted(table)} DROP FOREIGN KEY ${backquoted(name)};\n`;
  await runScript(client, { what: `table ${tableName(table)}`, database, bytes: scriptOf(sql) }, signal);
}
