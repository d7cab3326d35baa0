/** Which tables are partitions of which, as the pre-data of a dump says (ALTER TABLE … ATTACH PARTITION …). */

export interface Partitions {
  /** All partitioned tables, by key. */
  readonly parents: readonly string[];
  /** The table and all partitions below it, by key. */
  below(table: string): readonly string[];
  /** The whole tree that the table belongs to, by key; just the table when it is not partitioned. */
  family(table: string): readonly string[];
}

/** @param attached - pairs of keys (see nameKey), in any order */
export function partitionsFrom(
  attached: readonly { readonly parent: string; readonly child: string }[],
): Partitions {
  const children = Map.groupBy(attached, ({ parent }) => parent);
  const parents = new Map(attached.map(({ parent, child }) => [child, parent]));
  const below = (table: string): readonly string[] => {
    const found = new Set([table]);
    for (const each of found) for (const { child } of children.get(each) ?? []) found.add(child);
    return [...found];
  };
  const root = (table: string): string => {
    const seen = new Set<string>();
    let top = table;
    for (let up = parents.get(top); up !== undefined && !seen.has(up); up = parents.get(top)) {
      seen.add(up);
      top = up;
    }
    return top;
  };
  return { parents: [...children.keys()], below, family: (table) => below(root(table)) };
}
