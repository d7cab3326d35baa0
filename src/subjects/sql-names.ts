/** Names and literals in the SQL of both engines. */

/** A name as an identifier, always quoted. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string constant, with standard_conforming_strings on (PostgreSQL) or in SQLite. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The name behind one that is quoted where it is no plain word. */
export function unquotedName(shown: string): string {
  return /^"(.*)"$/s.exec(shown)?.[1]?.replaceAll('""', '"') ?? shown;
}

/** A table of SQLite by the name that `TableSchema` has, which is quoted only where it is no plain word. */
export function sqliteTable(name: string): string {
  const quoted = /^"(.*)"$/s.exec(name)?.[1];
  return `main.${quoted === undefined ? quoteName(name) : name}`;
}

/** Text for a comment to the end of the line. */
export function comment(text: string): string {
  return `-- ${text.replace(/[\r\n]+/g, ' ')}`;
}

/** A dollar-quoted body, with a tag that it does not contain. */
export function dollarQuoted(body: string): string {
  let tag = '$holdfast$';
  for (let number = 1; body.includes(tag); number += 1) tag = `$holdfast${number}$`;
  return `${tag}${body}${tag}`;
}
