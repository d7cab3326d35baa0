/**
 * Keys after the rows: a server builds a key from all rows at once several times as fast as row by row, and finds what is
 * not unique. Only what is surely understood of a CREATE TABLE is taken apart; everything else stays as it is.
 *
 * The text is that of SHOW CREATE TABLE: one column, key or constraint in each line.
 */

/** A table whose secondary keys and references come later. */
export interface Deferred {
  /** Without backticks. */
  readonly table: string;
  /** Its CREATE TABLE without them. */
  readonly create: string;
  /** True when rows may be written all at once: nothing but the primary key is there before them. */
  readonly isBare: boolean;
  /** The statement that adds the keys; undefined: it has none. */
  readonly keys: string | undefined;
  /** The statement that adds the references, when all tables and keys are there. */
  readonly references: string | undefined;
}

const NAME = '`(?:[^`]|``)*`';
const OPENING = new RegExp(
  `^((?:\\s|--[^\\n]*\\n|/\\*M?![^\\n]*\\*/;?[ ]*\\n)*)CREATE TABLE (${NAME}) \\(\\n`,
);
const PRIMARY = new RegExp(`^  PRIMARY KEY \\(((?:${NAME}(?:,${NAME})*))\\)(?: USING BTREE)?$`);
const COLUMN = new RegExp(`^  (${NAME}) .+$`);
const KEY = new RegExp(`^  (?:UNIQUE )?KEY ${NAME} \\(.+\\).*$`);
const FULL_TEXT = new RegExp(`^  FULLTEXT KEY ${NAME} \\(.+\\).*$`);
const REFERENCE = new RegExp(`^  CONSTRAINT ${NAME} FOREIGN KEY \\(.+\\) REFERENCES ${NAME} \\(.+\\).*$`);
const CHECK = new RegExp(`^  CONSTRAINT ${NAME} CHECK \\(.+\\).*$`);

/** Quotes that end; one that is left over does not. */
const QUOTED = /'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|`(?:[^`]|``)*`/g;

interface Lines {
  readonly columns: string[];
  readonly primary: string[];
  readonly keys: string[];
  readonly fullText: string[];
  readonly references: string[];
  readonly checks: string[];
}

/**
 * Takes a statement apart; undefined where it is no table of InnoDB with a primary key, or has anything unusual.
 *
 * @param statement - of a script as `splitScript` cuts it
 * @param referenced - what references elsewhere need: see `referencedColumns`
 */
export function deferKeys(
  statement: string,
  referenced: ReadonlyMap<string, readonly string[]>,
): Deferred | undefined {
  const opening = OPENING.exec(statement);
  const end = statement.indexOf('\n) ENGINE=InnoDB');
  if (opening?.[2] === undefined || end === -1 || UNUSUAL.test(statement.slice(end))) return undefined;
  const table = opening[2];
  const body = statement.slice(opening[0].length, end).split('\n');
  const lines = sortLines(body);
  const primary = PRIMARY.exec(lines?.primary[0] ?? '')?.[1];
  if (lines === undefined || primary === undefined || lines.primary.length !== 1) return undefined;
  if (!countsBy(lines.columns, primary)) return undefined;
  if ((referenced.get(table) ?? []).some((columns) => !`${primary},`.startsWith(`${columns},`)))
    return undefined;
  const left = [...lines.columns, ...lines.primary, ...lines.fullText, ...lines.checks];
  return {
    table: Buffer.from(table.slice(1, -1).replaceAll('``', '`'), 'latin1').toString('utf8'),
    create: opening[0] + left.join(',\n') + statement.slice(end),
    isBare: lines.fullText.length === 0,
    keys: addAll(table, lines.keys),
    references: addAll(table, lines.references),
  };
}

/** Tables that do not like to be altered, or whose keys are of another kind. */
const UNUSUAL = /WITH SYSTEM VERSIONING|\bPERIOD FOR\b/;

/** The columns by which tables are referenced, in backticks and parted by commas, by table in backticks. */
export function referencedColumns(statements: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const pattern = new RegExp(`^  CONSTRAINT .* REFERENCES (${NAME}) \\((${NAME}(?:, ${NAME})*)\\)`, 'gm');
  for (const [, table = '', columns = ''] of statements.flatMap((each) => [...each.matchAll(pattern)]))
    found.set(table, [...(found.get(table) ?? []), columns.replaceAll('`, `', '`,`')]);
  return found;
}

/** Each line by what it is, without its comma; undefined where one is not known. */
function sortLines(body: readonly string[]): Lines | undefined {
  const lines: Lines = { columns: [], primary: [], keys: [], fullText: [], references: [], checks: [] };
  for (const [at, line] of body.entries()) {
    const isLast = at === body.length - 1;
    if (!isLast && !line.endsWith(',')) return undefined;
    const text = isLast ? line : line.slice(0, -1);
    const where = placeOf(text, lines);
    // A quote that goes on in the next line: then that line is no definition.
    if (where === undefined || /['"`]/.test(text.replaceAll(QUOTED, ''))) return undefined;
    where.push(text);
  }
  return lines;
}

function placeOf(text: string, lines: Lines): string[] | undefined {
  if (COLUMN.test(text)) return lines.columns;
  if (PRIMARY.test(text)) return lines.primary;
  // Keys over long columns are hashes in a hidden column: they need a copy of the table.
  if (KEY.test(text)) return /USING HASH/.test(text) ? undefined : lines.keys;
  if (FULL_TEXT.test(text)) return lines.fullText;
  if (REFERENCE.test(text)) return lines.references;
  return CHECK.test(text) ? lines.checks : undefined;
}

/** A column that counts by itself needs a key from the start. */
function countsBy(columns: readonly string[], primary: string): boolean {
  const counting = columns.filter((line) => /\bAUTO_INCREMENT\b/.test(line.replaceAll(QUOTED, '')));
  return counting.every((line) => `${primary},`.startsWith(`${COLUMN.exec(line)?.[1] ?? ''},`));
}

function addAll(table: string, lines: readonly string[]): string | undefined {
  if (lines.length === 0) return undefined;
  return `ALTER TABLE ${table} ${lines.map((line) => `ADD ${line.trim()}`).join(', ')};\n`;
}
