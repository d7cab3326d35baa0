/** Names of SQLite objects as SQL and as people write them, and the words of a CREATE VIRTUAL TABLE. */

/** The name as an SQL identifier, always quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The text as an SQL string literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The name as people see it: quoted only when it is not a plain word. */
export function displayName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_$]*$/.test(name) ? name : quoteName(name);
}

/** SQLite compares names without regard to the case of ASCII letters, and of no others. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The name behind what `displayName` shows; anything else is taken as it is. */
export function undisplayName(shown: string): string {
  const quoted = /^"(.*)"$/s.exec(shown)?.[1];
  return quoted === undefined ? shown : quoted.replaceAll('""', '"');
}

const WORD = /"(?:[^"]|"")*"|\[[^\]]*\]|`(?:[^`]|``)*`|'(?:[^']|'')*'|[\w$\u0080-\u{10ffff}]+/u.source;
/** SQLite stores the statement beginning with exactly these three words, then the name (build.c, vtab.c). */
const VIRTUAL_TABLE = new RegExp(String.raw`^CREATE VIRTUAL TABLE\s+(?:${WORD})\s+USING\s+(${WORD})`, 'iu');

/** The module in a CREATE VIRTUAL TABLE statement as the schema holds it, without quotes; undefined when unreadable. */
export function moduleOf(sql: string): string | undefined {
  const word = VIRTUAL_TABLE.exec(sql)?.[1];
  if (word === undefined) return undefined;
  return /^["'`[]/.test(word) ? word.slice(1, -1) : word;
}
