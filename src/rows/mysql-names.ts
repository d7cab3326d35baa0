/** Names of MySQL and MariaDB, as they stand in SQL (MariaDB manual, "Identifier Names"). */

const PLAIN = /^(?!\d+$)[0-9A-Za-z$_\u0080-\uffff]+$/;

/** In backticks, whatever the name. */
export function backquoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** As people write a table: in backticks only where it would not be one word without them. */
export function tableName(name: string): string {
  return PLAIN.test(name) ? name : backquoted(name);
}

/** The name itself, from either form. */
export function plainName(name: string): string {
  return name.startsWith('`') ? name.slice(1, -1).replaceAll('``', '`') : name;
}
