/** In which order tables can be looked through so that each is needed once: what depends on each other stays together. */

/**
 * The strongly connected parts of a graph, each after all that it depends on (Tarjan's algorithm, without recursion,
 * because a schema may be thousands of tables deep).
 *
 * @param nodes - all nodes; those of a part, and parts that are free of each other, keep this order
 * @param dependsOn - the nodes that must come before this one; others than `nodes` are passed over
 */
export function inOrder<T>(
  nodes: readonly T[],
  dependsOn: (node: T) => Iterable<T>,
): readonly (readonly T[])[] {
  const known = new Set(nodes);
  const place = new Map(nodes.map((node, index) => [node, index]));
  const numbers = new Map<T, number>();
  const lows = new Map<T, number>();
  const open: T[] = [];
  const isOpen = new Set<T>();
  const parts: T[][] = [];

  const enter = (node: T): Visit<T> => {
    numbers.set(node, numbers.size);
    lows.set(node, numbers.size - 1);
    open.push(node);
    isOpen.add(node);
    return { node, rest: dependsOn(node)[Symbol.iterator]() };
  };
  const lower = (node: T, to: number) => lows.set(node, Math.min(lows.get(node) ?? to, to));

  for (const start of nodes) {
    if (numbers.has(start)) continue;
    const path: Visit<T>[] = [enter(start)];
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const next = visit.rest.next();
      if (next.done !== true) {
        const number = numbers.get(next.value);
        if (!known.has(next.value)) continue;
        if (number === undefined) path.push(enter(next.value));
        else if (isOpen.has(next.value)) lower(visit.node, number);
        continue;
      }
      path.pop();
      const low = lows.get(visit.node) ?? 0;
      const above = path.at(-1);
      if (above !== undefined) lower(above.node, low);
      if (low !== numbers.get(visit.node)) continue;
      const part = open.splice(open.lastIndexOf(visit.node));
      for (const node of part) isOpen.delete(node);
      parts.push(part.sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0)));
    }
  }
  return parts;
}

interface Visit<T> {
  readonly node: T;
  readonly rest: Iterator<T>;
}
