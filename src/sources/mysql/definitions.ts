/** What the text of a dump tool says of how tables are made. Pure. */

/** Values that change with the rows, and say nothing about how a table is made. */
const COUNTERS = / AUTO_INCREMENT=\d+|^DO SETVAL\(.*\);$/gm;

/**
 * The tables that were altered, added or dropped between two readings; undefined when nothing was. Their names stand as
 * in the text, in backticks; none where something else than a table differs.
 */
export function alteredTables(before: string, after: string): readonly string[] | undefined {
  const [one, other] = [before, after].map((text) => text.replace(COUNTERS, ''));
  if (one === other) return undefined;
  const [blocks, others] = [blocksOf(one ?? ''), blocksOf(other ?? '')];
  const names = new Set([...blocks.keys(), ...others.keys()]);
  return [...names].filter((name) => blocks.get(name) !== others.get(name));
}

/** By name, the text from one CREATE to the next. */
function blocksOf(text: string): Map<string, string> {
  const parts = text.split(/^(?=CREATE (?:TABLE|SEQUENCE) `)/m).slice(1);
  return new Map(parts.map((part) => [/`(?:[^`]|``)+`/.exec(part)?.[0] ?? '', part]));
}

/** The statements that put sequences where they stand: a later reading is ahead of all rows that were dumped before it. */
export function sequenceValues(text: string): string {
  return [...text.matchAll(/^DO SETVAL\(.*\);$/gm)].map(([line]) => `${line}\n`).join('');
}
