/** Rows that an erasure would make the subject's again, by what the map puts into columns that link, or are linked to. */
import { matches } from './access.ts';
import { keyOf } from './compare.ts';
import { valuesAt, type DecidedRow, type DecidedRows } from './decided.ts';
import { actionsOf, valuesOf } from './map.ts';
import { columnsOf, type LinkedTable, type Relation, type Relations } from './relations.ts';

/** One of the problems of an erasure; see `Problem` in `integrity.ts`. */
export interface Relinked {
  readonly kind: 'relinked';
  readonly table: string;
  readonly constraint: string;
  readonly rows: number;
}

/** The columns that have to be read of rows for this: none, where no constant is put into a column that links. */
export function columnsForLinks({ rule, links }: LinkedTable): readonly string[] {
  const set = new Set(
    actionsOf(rule).flatMap((action) =>
      [...valuesOf(action)].flatMap(([column, value]) => (typeof value === 'string' ? [column] : [])),
    ),
  );
  const linked = links.flatMap(({ match }) => lookedAt(match));
  return linked.some((column) => set.has(column)) ? linked : [];
}

type Asked = (table: string, link: number) => ReadonlySet<string>;

/** By table and column; a row counts once for each link that would lead to it, or from it to rows of somebody else. */
export function relinkedProblems(
  decided: DecidedRows,
  { tables }: Pick<Relations, 'tables'>,
  asked: Asked,
): readonly Relinked[] {
  const found = new Map<string, number>();
  countLed(decided, asked, found);
  countLeading(decided, tables, asked, found);
  return [...found].map(([constraint, rows]) => ({
    kind: 'relinked',
    table: decided.table.name,
    constraint,
    rows,
  }));
}

/** Rows that a link of their own table would lead to again. */
function countLed({ table, need, rows }: DecidedRows, asked: Asked, found: Map<string, number>): void {
  if (columnsForLinks(table).length === 0) return;
  for (const row of rows.values()) {
    for (const { match, number } of table.links) {
      const column = setBy(row, match);
      if (column === undefined) continue;
      const query = { match, keys: asked(table.name, number) };
      if (matches(query, (name) => valueAfter(need, row, name), table.name))
        found.set(column, (found.get(column) ?? 0) + 1);
    }
  }
}

/** Rows that stay, and would have a name which nobody has asked for: whatever is linked to that name would be the subject's. */
function countLeading(
  { table, need, rows }: DecidedRows,
  tables: readonly LinkedTable[],
  asked: Asked,
  found: Map<string, number>,
): void {
  for (const { name, links } of tables)
    for (const { number, match, targets, targetColumns } of links) {
      if (!targets.includes(table.name)) continue;
      const known = asked(name, number);
      for (const row of rows.values()) {
        if (row.outcome.do === 'delete') continue;
        const column = targetColumns.find((one) => typeof row.outcome.values.get(one) === 'string');
        if (column === undefined) continue;
        const after = targetColumns.map((one) => valueAfter(need, row, one));
        const key = keyOf(after, match.comparisons);
        if (key !== null && !known.has(key)) found.set(column, (found.get(column) ?? 0) + 1);
      }
    }
}

/** The first column of the link that gets a constant. */
function setBy({ outcome }: DecidedRow, match: Relation['match']): string | undefined {
  if (outcome.do === 'delete') return undefined;
  return lookedAt(match).find((column) => typeof outcome.values.get(column) === 'string');
}

function lookedAt(match: Relation['match']): readonly string[] {
  return [...columnsOf(match), ...match.when.keys()];
}

/** A pseudonym leads to nobody. */
function valueAfter(need: readonly string[], { outcome, values }: DecidedRow, column: string): string | null {
  const replacement = outcome.values.get(column);
  if (replacement === undefined) return valuesAt(need, values, [column])[0] ?? null;
  return typeof replacement === 'string' ? replacement : null;
}
