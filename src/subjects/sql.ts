/**
 * The erasure as one transaction for the live database: for a person to read and run.
 *
 * It does what the closure does to the rows of a snapshot, with the same map, and refuses what that refuses. Where
 * SQL is weaker (`notes`) it says so.
 */
import type { Schema } from '../sources/schema.ts';
import { asStored } from './as-stored.ts';
import type { Subject } from './closure.ts';
import type { SqlDatabase } from './compare.ts';
import type { SubjectMap } from './map.ts';
import { askedFor, relationsOf, type Relations } from './relations.ts';
import { changeRows, checkReferences, decideRows, summary, unlinkObjects } from './sql-change.ts';
import type { SqlEngine } from './sql-engine.ts';
import { mysqlSql } from './sql-mysql.ts';
import { findRows } from './sql-find.ts';
import { comment, quoteName, sqliteTable } from './sql-names.ts';
import { planSql, type PlannedTable } from './sql-plan.ts';
import { postgresSql } from './sql-postgres.ts';
import { sqliteSql } from './sql-sqlite.ts';

export interface ErasureInput {
  readonly map: SubjectMap;
  readonly schema: Schema;
  readonly engine: SqlDatabase;
  /** Their identifiers are in the text: whoever prints it prints them. */
  readonly subjects: readonly Subject[];
  /** `rollback` shows what would be done. */
  readonly end: 'commit' | 'rollback';
}

export interface Erasure {
  /** Statements; nothing in it is a command of a shell. */
  readonly sql: string;
  /** What a person must know before they run it, each a sentence; they are in the text too. */
  readonly notes: readonly string[];
}

/**
 * Writes it.
 *
 * @throws HoldfastError SUBJECTS_UNCOVERED, SUBJECTS_COLUMN, JSON_PATH
 */
export function erasureSql(input: ErasureInput): Erasure {
  const { map, schema, end } = input;
  const subjects = input.subjects.map((one) => asStored(one, map.root.table, schema, input.engine));
  const relations = relationsOf(map, schema, input.engine);
  const engine = ENGINES[input.engine];
  const plan = planSql(map, relations, engine);
  const tables = plan.parts.flat();
  const notes = notesOn(input, relations);
  const asked = (table: PlannedTable, by: readonly string[]) => askedFor(relations, map, table, by);

  const command = end === 'commit' ? 'COMMIT' : 'ROLLBACK';
  const lines = [
    ...notes.map(comment),
    ...engine.begin,
    '',
    comment('The rows that are about the subject'),
    ...tables.map((table) => engine.createRows(table)),
    ...plan.parts.flatMap((part) => [
      comment(part.map(({ name }) => name).join(', ')),
      ...findRows(part, { plan, subjects, asked, engine }),
    ]),
    '',
    comment('What happens to each'),
    ...tables.flatMap((table) => decideRows(table, engine)),
    '',
    comment('What must not happen'),
    ...checkReferences(relations.references, plan, engine),
    '',
    comment('The erasure'),
    ...tables.flatMap((table) => unlinkObjects(table, engine)),
    ...(engine.deletesFirst ? deletions(tables, engine) : []),
    ...tables.flatMap((table) => changeRows(table, engine)),
    ...(engine.deletesFirst ? [] : deletions(tables, engine)),
    ...rebuilds(schema),
    '',
    summary(tables, engine),
    ...(engine.end?.(command) ?? [`${command};`]),
  ];
  return { sql: `${lines.join('\n')}\n`, notes };
}

const ENGINES: Readonly<Record<SqlDatabase, SqlEngine>> = {
  postgres: postgresSql,
  sqlite: sqliteSql,
  mysql: mysqlSql,
};

function deletions(tables: readonly PlannedTable[], engine: SqlEngine): readonly string[] {
  return engine.deleteAll(tables.filter(({ deleting }) => deleting.length > 0));
}

/** Full-text indexes keep the words of rows that are gone, until they are made again (sqlite.org/fts5.html, 6.12). */
function rebuilds({ tables }: Schema): readonly string[] {
  return tables.flatMap(({ name, virtual }) => {
    if (virtual?.content !== 'own' && virtual?.content !== 'external') return [];
    const column = quoteName(/^"(.*)"$/s.exec(name)?.[1]?.replaceAll('""', '"') ?? name);
    return [`INSERT INTO ${sqliteTable(name)} (${column}) VALUES ('rebuild');`];
  });
}

const MYSQL_NOTES = [
  'It is for MariaDB 10.6 and newer; MySQL cannot run it.',
  'Foreign keys are off for this connection from here on: end it afterwards. Run it with mariadb, without --force.',
  'It locks what it reads until it ends.',
  'Tables WITH SYSTEM VERSIONING keep rows that were deleted: DELETE HISTORY FROM them; binary logs have them until they are purged.',
  'LOWER folds one letter into one letter, and composes no accents: look for names with such letters yourself.',
];

function notesOn({ engine, map }: ErasureInput, relations: Relations): readonly string[] {
  const forms = new Set([
    ...map.root.lookup.values(),
    ...relations.tables.flatMap(({ links }) =>
      links.flatMap(({ match }) => match.comparisons.map(({ form }) => form)),
    ),
  ]);
  const always =
    'Triggers of this database run as usual; copies that they or others have made are not looked for.';
  if (engine === 'postgres') return [always];
  if (engine === 'mysql') return [...MYSQL_NOTES, always];
  const folds = 'SQLite folds the case of ASCII letters only: look for names with other letters yourself.';
  return [
    'Foreign keys are off for this connection from here on: end it afterwards.',
    'Run it with a shell that stops at the first error: sqlite3 -bail.',
    always,
    ...(forms.has('lower') ? [folds] : []),
  ];
}
