/** Rows that an erasure would make the subject's again, by what the map puts into columns that link. */
import { matches } from './access.ts';
import { valuesAt, type DecidedRow, type DecidedRows } from './decided.ts';
import { actionsOf, valuesOf } from './map.ts';
import { columnsOf, type LinkedTable, type Relation } from './relations.ts';

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

/** By table and column; a row counts once for each link that would lead to it. */
export function relinkedProblems(
  { table, need, rows }: DecidedRows,
  asked: (table: string, link: number) => ReadonlySet<string>,
): readonly Relinked[] {
  if (columnsForLinks(table).length === 0) return [];
  const found = new Map<string, number>();
  for (const row of rows.values()) {
    for (const { match, number } of table.links) {
      const column = setBy(row, match);
      if (column === undefined) continue;
      const query = { match, keys: asked(table.name, number) };
      if (matches(query, (name) => valueAfter(need, row, name), table.name))
        found.set(column, (found.get(column) ?? 0) + 1);
    }
  }
  return [...found].map(([constraint, count]) => ({
    kind: 'relinked',
    table: table.name,
    constraint,
    rows: count,
  }));
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
