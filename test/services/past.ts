/** A folder store as if its snapshots had been made days ago: what the command line then finds is really that old. */
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Store } from '../../src/stores/store.ts';
import { machineIn } from './machines.ts';
import { delegating } from '../../src/stores/delegating.ts';
import type { Machine } from './machines.ts';
import { tempFolder } from './temp.ts';
import { SET, makeWorld, rowsOf } from './world.ts';
import type { BackupChoices, World } from './world.ts';

const DAY_MS = 86_400_000;

export interface PastWorld extends World {
  /** One snapshot, made so many days ago; returns its id. */
  backupAgo(
    days: number,
    options?: Partial<BackupChoices>,
    tables?: Parameters<World['backup']>[0],
  ): Promise<string>;
  /**
   * A machine whose configuration names the store.
   * @param set - further lines of the set, each with four spaces before
   * @param url - of a copy of the store, instead of it
   */
  machine(set?: string, url?: string): Promise<Machine>;
}

/** A store of its own, with keys and a host. */
export async function makePast(): Promise<PastWorld> {
  let agoMs = 0;
  const world = await makeWorld((store) => backdated(store, () => agoMs));
  let rows = 0;
  const backupAgo: PastWorld['backupAgo'] = async (days, options = {}, tables) => {
    agoMs = days * DAY_MS;
    try {
      const { entry } = await world.backup(tables ?? { users: rowsOf(50 + ++rows) }, options);
      return entry.snapshot;
    } finally {
      agoMs = 0;
    }
  };
  const machine: PastWorld['machine'] = async (set = '', url = world.store.url) => {
    const made = await machineIn(await tempFolder('machine'), {});
    await writeFile(join(made.folder, 'ops.asc'), world.ops.toPublic().armor());
    await writeFile(join(made.folder, 'host.key'), world.host.armor(), { mode: 0o600 });
    const sets = `sets:\n  ${SET}:\n    source: sqlite\n    path: shop.db\n    keep: 30d\n    writer: db1\n${set}`;
    const config = `version: 1\nstore: ${url}\nrecipients: [ops.asc]\nsigning_key: host.key\nstate_dir: state\n${sets}`;
    await writeFile(join(made.folder, 'holdfast.yaml'), config);
    return made;
  };
  return { ...world, backupAgo, machine };
}

/** What is put gets the time of that day; the store's clock says it as well. */
function backdated(store: Store, agoMs: () => number): Store {
  const root = fileURLToPath(store.url);
  return {
    ...delegating(store),
    now: async (signal) => new Date((await store.now(signal)).getTime() - agoMs()),
    put: async (key, bytes, options, signal) => {
      const outcome = await store.put(key, bytes, options, signal);
      const time = new Date(Date.now() - agoMs());
      if (agoMs() !== 0) await utimes(join(root, key), time, time);
      return outcome;
    },
  };
}
