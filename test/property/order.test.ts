/** The order in which tables are looked through: what a table depends on comes before it or with it. */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { inOrder } from '../../src/subjects/order.ts';

const graphs = fc.array(fc.array(fc.nat({ max: 11 }), { maxLength: 4 }), { minLength: 1, maxLength: 10 });

test.prop([graphs])('what depends on each other is together, everything else comes before', (graph) => {
  const nodes = [...graph.keys()];
  const edges = (node: number) => graph[node] ?? [];
  const reach = new Map(nodes.map((node) => [node, reachable(node, edges)]));
  const parts = inOrder(nodes, edges);
  expect(parts.flat().toSorted((a, b) => a - b)).toEqual(nodes);
  const partOf = new Map(parts.flatMap((part, index) => part.map((node) => [node, index] as const)));
  for (const from of nodes) {
    for (const to of nodes) {
      const [here, there] = [partOf.get(from) ?? -1, partOf.get(to) ?? -1];
      const leads = reach.get(from)?.has(to) === true;
      if (leads) expect(there).toBeLessThanOrEqual(here);
      if (from !== to) expect(here === there).toBe(leads && reach.get(to)?.has(from) === true);
    }
  }
});

test('a chain of tables may be long', () => {
  const nodes = Array.from({ length: 100_000 }, (_, index) => index);
  const parts = inOrder(nodes, (node) => (node + 1 < nodes.length ? [node + 1] : []));
  expect(parts[0]).toEqual([nodes.length - 1]);
  expect(parts).toHaveLength(nodes.length);
});

function reachable(start: number, edges: (node: number) => readonly number[]): ReadonlySet<number> {
  const seen = new Set<number>();
  const open = [...edges(start)];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...edges(node));
  }
  return seen;
}
