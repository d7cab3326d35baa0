/** Commands that people and cron read are text for a shell; programs are never started by one. */

/** A word of a shell command (sh(1), Quoting): as it is where it has nothing special, else in quotes. */
export function shellWord(word: string): string {
  return /^[\w@+./:,=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
