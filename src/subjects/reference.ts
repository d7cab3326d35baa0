/** Names of tables and columns as a subject map writes them: `public.users.id`, `public."Odd Name"."Col"`. */

/** An identifier: quoted with doubled quotes (MySQL: backticks), or anything without dots, quotes and blanks. */
const PART = /"(?:[^"]|"")+"|`(?:[^`]|``)+`|[^\s".`]+/y;

export interface ColumnReference {
  /** As written: it must be what `TableInfo.name` is. */
  readonly table: string;
  /** Without quotes. */
  readonly column: string;
}

/** Splits `table.column` at the last dot that is not within quotes; undefined when it is not of that form. */
export function splitReference(text: string): ColumnReference | undefined {
  const parts = partsOf(text);
  const column = parts?.at(-1);
  if (parts === undefined || column === undefined || parts.length < 2 || parts.length > 3) return undefined;
  return { table: parts.slice(0, -1).join('.'), column: unquoted(column) };
}

/** True for `users`, `public.users` and `public."Odd Name"`. */
export function isTableName(text: string): boolean {
  const parts = partsOf(text);
  return parts !== undefined && parts.length <= 2;
}

/** `table.column` such that `splitReference` finds both again. */
export function joinReference({ table, column }: ColumnReference): string {
  return `${table}.${/^[^\s".`]+$/.test(column) ? column : `"${column.replaceAll('"', '""')}"`}`;
}

/** The last part of a table's name, without quotes: `users` of `public.users`. */
export function bareName(table: string): string {
  return unquoted(partsOf(table)?.at(-1) ?? table);
}

function partsOf(text: string): readonly string[] | undefined {
  const parts: string[] = [];
  for (let at = 0; ; at += 1) {
    PART.lastIndex = at;
    const part = PART.exec(text)?.[0];
    if (part === undefined) return undefined;
    parts.push(part);
    at += part.length;
    if (at === text.length) return parts;
    if (text[at] !== '.') return undefined;
  }
}

function unquoted(part: string): string {
  if (part.startsWith('`')) return part.slice(1, -1).replaceAll('``', '`');
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part;
}
