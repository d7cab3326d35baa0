/** A store, keys and a host in temporary folders, driven through the rooms: for tests of what the command line hides. */
import { join } from 'node:path';
import { runBackup } from '../../src/backup/backup.ts';
import type { BackupReport } from '../../src/backup/backup.ts';
import type { LockPolicy } from '../../src/backup/locks.ts';
import { prepareStore } from '../../src/init/store.ts';
import { certify, generateHostKey, generateRecipientKey } from '../../src/openpgp/keys.ts';
import type { openpgp } from '../../src/openpgp/library.ts';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { readCatalog } from '../../src/repository/catalog.ts';
import { readLedger } from '../../src/repository/ledger.ts';
import type { KeepPolicy } from '../../src/repository/keep.ts';
import { stateFolderOf, openSession } from '../../src/repository/session.ts';
import type { Session } from '../../src/repository/session.ts';
import { openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { script } from '../../src/restore/script.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import type { DumpStream, Source } from '../../src/sources/source.ts';
import { openFileStore } from '../../src/stores/file.ts';
import type { Store } from '../../src/stores/store.ts';
import type { OnPurged } from '../../src/suppression/guard.ts';
import { tempFolder } from './temp.ts';
import type { ParsedMap } from '../../src/subjects/parse.ts';

export const SIGNAL = new AbortController().signal;
export const SET = 'shop';
export const WRITER = 'db1';

/** Tables as lists of rows without line ends. */
export type Tables = Readonly<Record<string, readonly string[]>>;

/** A source that dumps these tables, between a header and a footer, as a real one would. */
export function textSource(tables: Tables, beforeEnd: () => Promise<void> = () => Promise.resolve()): Source {
  return {
    kind: 'sqlite',
    probe: () =>
      Promise.resolve({
        kind: 'sqlite',
        database: 'text',
        serverVersion: '1',
        toolVersion: '1',
        warnings: [],
        facts: {},
      }),
    schema: () => Promise.resolve({ tables: [] }),
    dump: () =>
      Promise.resolve({
        schema: { tables: [] },
        lanes: [lane(tables, beforeEnd)],
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

async function* lane(tables: Tables, beforeEnd: () => Promise<void>): AsyncGenerator<DumpStream> {
  yield { name: 'pre-data', section: 'pre-data', dialect: 'sql', bytes: bytesOf(['-- begin']) };
  for (const [name, rows] of Object.entries(tables)) {
    yield {
      name,
      section: 'data',
      dialect: 'sql-insert',
      table: { name, columns: ['a'] },
      bytes: bytesOf(rows),
    };
  }
  await beforeEnd();
  yield { name: 'post-data', section: 'post-data', dialect: 'sql', bytes: bytesOf(['-- end']) };
}

async function* bytesOf(rows: readonly string[]): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < rows.length; i += 1000) {
    await Promise.resolve();
    yield Buffer.from(
      rows
        .slice(i, i + 1000)
        .map((row) => `${row}\n`)
        .join(''),
    );
  }
}

/** Rows that compress a little and never repeat. */
export function rowsOf(count: number, from = 0): string[] {
  return Array.from(
    { length: count },
    (_, i) => `${from + i}\tname ${from + i}\t${((from + i) * 2654435761) % 4294967291}`,
  );
}

export interface World {
  readonly root: string;
  readonly store: Store;
  readonly session: Session<Store>;
  readonly ops: openpgp.PrivateKey;
  readonly host: openpgp.PrivateKey;
  readonly stateFolder: string;
  readonly warnings: string[];
  backup(tables: Tables, options?: Partial<BackupChoices>): Promise<BackupReport>;
  /** The SQL of a snapshot, opened with the reader's key; the latest when none is named. */
  cat(snapshot?: string): Promise<string>;
  /** A session of this host, or of another machine with a state folder of its own. */
  reopen(stateDir?: string): Promise<Session<Store>>;
}

export interface BackupChoices {
  readonly session: Session<Store>;
  readonly source: Source;
  readonly full: boolean;
  readonly keepDays: number;
  readonly keep: KeepPolicy;
  readonly fullEveryDays: number;
  readonly lock: LockPolicy;
  readonly writer: string;
  readonly signer: openpgp.PrivateKey;
  readonly signal: AbortSignal;
  readonly subjects: ParsedMap;
  readonly onPurged: OnPurged;
}

export async function makeWorld(wrap: (store: Store) => Store = (store) => store): Promise<World> {
  const folder = await tempFolder('world');
  const root = join(folder, 'store');
  const store = wrap(openFileStore(`file://${root}`));
  const [ops, host] = await Promise.all([generateRecipientKey('ops'), generateHostKey('host')]);
  const recipients = [ops.toPublic()];
  await prepareStore({ store, signer: ops, host: await certify(host.toPublic(), ops), recipients }, SIGNAL);
  const open = (stateDir: string) =>
    openSession({ store, signers: [], recipients, purgeSigners: [], stateDir }, SIGNAL);
  const stateDir = join(folder, 'state');
  const session = await open(stateDir);
  const warnings: string[] = [];

  const backup = (tables: Tables, options: Partial<BackupChoices> = {}) =>
    runBackup(
      {
        session: options.session ?? session,
        source: options.source ?? textSource(tables),
        set: SET,
        writer: options.writer ?? WRITER,
        policy: {
          keep: options.keep ?? [{ name: 'daily', days: options.keepDays ?? 30 }],
          fullEveryDays: options.fullEveryDays ?? 7,
          ...(options.lock && { lock: options.lock }),
        },
        recipients,
        signer: options.signer ?? host,
        level: 1,
        full: options.full ?? false,
        ...(options.subjects && { subjects: options.subjects }),
        ...(options.onPurged && { onPurged: options.onPurged }),
        onStart: () => undefined,
        onProgress: () => undefined,
        onWarning: (text) => warnings.push(text),
      },
      options.signal ?? SIGNAL,
    );

  const cat = async (snapshot?: string) => {
    const view = await viewSet(await open(join(folder, `reader-${Math.random()}`)), SET, false, SIGNAL);
    const item =
      snapshot === undefined
        ? view.catalog.entries.at(-1)
        : view.catalog.entries.find(({ entry }) => entry.snapshot === snapshot);
    if (!item) throw new Error('no such snapshot');
    const manifest = await openManifest(session, item, new KeyOpener([ops]), SIGNAL);
    await using pool = SegmentPool.forReading();
    const pieces = await Array.fromAsync(
      script(new SnapshotReader(store, manifest, pool), { globals: false }, SIGNAL),
    );
    return Buffer.concat(pieces).toString();
  };

  return {
    root,
    store,
    session,
    ops,
    host,
    stateFolder: stateFolderOf(session, SET),
    warnings,
    backup,
    cat,
    reopen: (dir) => open(dir ?? stateDir),
  };
}

/** What `cat` prints for these tables. */
export function sqlOf(tables: Tables): string {
  return ['-- begin', ...Object.values(tables).flat(), '-- end'].map((line) => `${line}\n`).join('');
}

export async function entriesOf(world: World) {
  const ledger = await readLedger(world.session, SET, SIGNAL);
  return (await readCatalog(world.session, SET, ledger, SIGNAL)).entries;
}
