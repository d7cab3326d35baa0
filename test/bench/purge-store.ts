/**
 * Thirty days of backups of the shop, made in one go: the database grows from day to day, and the rooms of holdfast are
 * driven in this process, with a clock that moves a day between the runs. Everything else is as an operator has it.
 */
import { cp, link, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { runBackup } from '../../src/backup/backup.ts';
import { prepareStore } from '../../src/init/store.ts';
import { certify, generateHostKey, generateRecipientKey } from '../../src/openpgp/keys.ts';
import { openSession } from '../../src/repository/session.ts';
import { postgresSource } from '../../src/sources/postgres/source.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { parseSubjectMap } from '../../src/subjects/parse.ts';
import { calendar } from '../services/calendar.ts';
import type { Stage } from './stage.ts';

export const DAYS = 30;
const DAY_MS = 86_400_000;
const LEVEL = 3;

/** What is about a customer in the shop of the benchmark. */
export const MAP = `version: 1
subject: customer
root: { table: public.users, key: id, lookup: { email: lower } }
tables:
  public.users: { erase: delete }
  public.addresses: { link: { user_id: public.users.id }, erase: delete }
  public.orders: { link: { user_id: public.users.id }, erase: delete }
  public.order_items: { link: { order_id: public.orders.id }, erase: delete }
  public.events: { link: { user_id: public.users.id }, erase: { set: { user_id: null } } }
  public.reviews: { link: { user_id: public.users.id }, erase: delete }
  public.products: { no_personal_data: true }
`;

/** A folder with a store, keys and configuration; purges are run in copies of it. */
export interface MonthOfBackups {
  readonly folder: string;
  /** A copy of its own, in which everything may be changed. */
  copy(name: string): Promise<string>;
}

/** Makes the store: a snapshot a day, the last one now. */
export async function makeMonth(
  stage: Stage,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<MonthOfBackups> {
  const folder = join(stage.options.folder, 'month');
  await mkdir(folder);
  const { server, dataset, env } = stage.options;
  const [ops, host] = await Promise.all([generateRecipientKey('ops'), generateHostKey('host')]);
  const clock = calendar();
  const store = clock.wrap(openFileStore(`file://${join(folder, 'store')}`));
  const recipients = [ops.toPublic()];
  await prepareStore({ store, signer: ops, host: await certify(host.toPublic(), ops), recipients }, signal);
  const stateDir = join(folder, 'made');
  const session = await openSession({ store, signers: [], recipients, purgeSigners: [], stateDir }, signal);
  const subjects = parseSubjectMap(MAP, 'map.yaml');
  for (let day = 1; day <= DAYS; day++) {
    await stage.reach(day);
    clock.set(new Date(Date.now() - (DAYS - day) * DAY_MS));
    const { entry } = await runBackup(
      {
        session,
        source: postgresSource({ url: server.url(dataset.database), env: { ...process.env, ...env } }),
        set: 'shop',
        writer: 'db1',
        policy: { keep: [{ name: 'daily', days: DAYS }], fullEveryDays: 7 },
        recipients,
        signer: host,
        level: LEVEL,
        full: false,
        subjects,
        onStart: () => undefined,
        onProgress: () => undefined,
        // The host's clock is not the store's; that is meant here.
        onWarning: () => undefined,
      },
      signal,
    );
    say(`purge: day ${day}, ${entry.full ? 'full' : 'next'}, ${entry.counts.new_segments} new segments`);
  }
  await writeFile(join(folder, 'ops.asc'), ops.toPublic().armor());
  await writeFile(join(folder, 'ops.key'), ops.armor(), { mode: 0o600 });
  await writeFile(join(folder, 'host.key'), host.armor(), { mode: 0o600 });
  await writeFile(join(folder, 'map.yaml'), MAP);
  const copy = async (name: string): Promise<string> => {
    const to = join(stage.options.folder, `month-${name}`);
    await copyOf(folder, to);
    await writeFile(join(to, 'holdfast.yaml'), configIn(`file://${join(to, 'store')}`));
    return to;
  };
  return { folder, copy };
}

/** Objects are never changed in place, so that links do; what stands beside the store is copied. */
async function copyOf(folder: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isFile()) await cp(join(folder, entry.name), join(to, entry.name));
  const objects = await readdir(join(folder, 'store'), { recursive: true, withFileTypes: true });
  for (const entry of objects.filter((one) => one.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const other = join(to, relative(folder, file));
    await mkdir(dirname(other), { recursive: true });
    await link(file, other);
  }
}

/** @param more - lines of the configuration that belong to the store */
export function configIn(store: string, more = ''): string {
  return `version: 1
store: ${store}
${more}recipients: [ops.asc]
signing_key: host.key
state_dir: state
sets:
  shop: { source: postgres, url: "postgres://nobody@127.0.0.1:1/shop", keep: ${DAYS}d, writer: db1, subjects: map.yaml }
`;
}
