/**
 * A store with hundreds of snapshots, made in seconds: the rooms of holdfast are driven in this process, with tables of
 * a few rows and a clock that moves a day between the runs.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runBackup } from '../../src/backup/backup.ts';
import { prepareStore } from '../../src/init/store.ts';
import { certify, generateHostKey, generateRecipientKey } from '../../src/openpgp/keys.ts';
import { openSession } from '../../src/repository/session.ts';
import type { DumpStream, Source } from '../../src/sources/source.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { calendar } from '../services/calendar.ts';

export const SETS = ['billing', 'crm', 'shop', 'support', 'wiki'] as const;
const KEEP_DAYS = 30;
const FULL_EVERY_DAYS = 7;
const WRITER = 'db1';
const DAY_MS = 86_400_000;

export interface Wanted {
  /** Does not exist yet; gets `store/`, the keys and the lines of a configuration that names them. */
  readonly folder: string;
  /** Names of sets; five of them when not said. */
  readonly sets?: readonly string[];
  /** For each set, one a day; the last one now. */
  readonly snapshots: number;
  /** How long each of them is kept; 30 when not said. */
  readonly keepDays?: number;
  /** For each snapshot; none is shared with another one. */
  readonly segments: number;
  readonly signal: AbortSignal;
}

/** Where it is, and how many segments all snapshots refer to together. */
export interface ManySnapshots {
  /** A folder store. */
  readonly store: string;
  readonly segments: number;
  /** The end of a holdfast.yaml: everything but `store:` and what belongs to it. */
  readonly config: string;
}

/** Makes the store. What is older than `keepDays` is past its end. */
export async function makeMany(wanted: Wanted): Promise<ManySnapshots> {
  const { folder, sets = SETS, snapshots, keepDays = KEEP_DAYS, segments, signal } = wanted;
  await mkdir(folder);
  const [ops, host] = await Promise.all([generateRecipientKey('ops'), generateHostKey('host')]);
  const clock = calendar();
  const path = join(folder, 'store');
  const store = clock.wrap(openFileStore(`file://${path}`));
  const recipients = [ops.toPublic()];
  const certified = await certify(host.toPublic(), ops);
  await prepareStore({ store, signer: ops, host: certified, recipients }, signal);
  const stateDir = join(folder, 'made');
  const session = await openSession({ store, signers: [], recipients, purgeSigners: [], stateDir }, signal);
  let made = 0;
  for (let day = snapshots - 1; day >= 0; day--) {
    clock.set(new Date(Date.now() - day * DAY_MS));
    const once = async (set: string): Promise<void> => {
      const { entry } = await runBackup(
        {
          session,
          source: tinySource(segments, `${set} ${day}`),
          set,
          writer: WRITER,
          policy: { keep: [{ name: 'daily', days: keepDays }], fullEveryDays: FULL_EVERY_DAYS },
          recipients,
          signer: host,
          level: 1,
          full: false,
          onStart: () => undefined,
          onProgress: () => undefined,
          // The host's clock is not the store's; that is meant here.
          onWarning: () => undefined,
        },
        signal,
      );
      made += entry.counts.segments;
    };
    await Promise.all(sets.map(once));
  }
  await writeFile(join(folder, 'ops.asc'), ops.toPublic().armor());
  await writeFile(join(folder, 'host.key'), host.armor(), { mode: 0o600 });
  return { store: path, segments: made, config: configLines(sets, keepDays) };
}

function configLines(sets: readonly string[], keepDays: number): string {
  const set = (name: string): string =>
    `  ${name}: { source: sqlite, path: ${name}.db, keep: ${keepDays}d, writer: ${WRITER} }\n`;
  const keys = 'recipients: [ops.asc]\nsigning_key: host.key\nstate_dir: state\n';
  return `${keys}sets:\n${sets.map(set).join('')}`;
}

/** A database of so many tables with one row each: a segment is cut at the end of each table. */
function tinySource(tables: number, text: string): Source {
  const facts = { database: 'tiny', serverVersion: '1', toolVersion: '1', warnings: [], facts: {} };
  return {
    kind: 'sqlite',
    probe: () => Promise.resolve({ kind: 'sqlite', ...facts }),
    schema: () => Promise.resolve({ tables: [] }),
    dump: () =>
      Promise.resolve({
        schema: { tables: [] },
        lanes: [lane(tables, text)],
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

async function* lane(tables: number, text: string): AsyncGenerator<DumpStream> {
  for (let number = 1; number <= tables; number++) {
    await Promise.resolve();
    const name = `t${number}`;
    const table = { name, columns: ['a'] };
    yield { name, section: 'data', dialect: 'sql-insert', table, bytes: row(`${text} ${number}\n`) };
  }
}

async function* row(text: string): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(Buffer.from(text));
}
