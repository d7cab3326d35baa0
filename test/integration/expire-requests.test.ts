/** Goal: what `expire` and `snapshots` ask of a store grows with the number of snapshots, not of segments or packs. */
import { expect, test } from 'vitest';
import { enforcementOf } from '../../src/retention/apply-lifecycle.ts';
import { planFor } from '../../src/retention/expire.ts';
import { readCatalog } from '../../src/repository/catalog.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import type { Session } from '../../src/repository/session.ts';
import { withFaults } from '../../src/stores/faults.ts';
import type { FaultyStore, Method } from '../../src/stores/faults.ts';
import type { Store } from '../../src/stores/store.ts';
import { SET, SIGNAL, makeWorld, rowsOf } from '../services/world.ts';

const METHODS: readonly Method[] = ['list', 'folders', 'get', 'head', 'now', 'put', 'remove'];

interface Requests {
  readonly segments: number;
  readonly expire: number;
  readonly snapshots: number;
}

async function requests(snapshots: number, rows: number): Promise<Requests> {
  let counted: FaultyStore | undefined;
  const world = await makeWorld((store) => (counted = withFaults(store, {})));
  let segments = 0;
  for (let n = 0; n < snapshots; n++) {
    const { entry } = await world.backup({ users: rowsOf(rows, n * rows) });
    segments += entry.counts.new_segments;
  }
  const store = counted;
  if (store === undefined) throw new Error('no store');
  const during = async (work: (session: Session<Store>) => Promise<unknown>) => {
    const session = await world.reopen();
    const total = () => METHODS.reduce((sum, method) => sum + store.count(method), 0);
    const before = total();
    await work(session);
    return total() - before;
  };
  const choices = { evenLast: false, trustClock: false };
  return {
    segments,
    expire: await during((session) => planFor({ copy: undefined, session }, SET, choices, SIGNAL)),
    snapshots: await during(async (session) => {
      await enforcementOf(session.store, SIGNAL);
      await readCatalog(session, SET, await readLedger(session, SET, SIGNAL), SIGNAL);
    }),
  };
}

test('one request for each snapshot, and a few for the set', async () => {
  const [few, many, large] = [await requests(4, 10), await requests(12, 10), await requests(4, 40_000)];
  expect(large.segments).toBeGreaterThan(4 * few.segments);
  expect(large.expire).toBe(few.expire);
  expect(large.snapshots).toBe(few.snapshots);
  expect(many.expire - few.expire).toBe(8);
  expect(many.snapshots - few.snapshots).toBe(8);
  expect(few.expire).toBeLessThanOrEqual(4 + 8);
});
