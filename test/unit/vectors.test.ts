/**
 * The vectors of format 1: a store that was written once is read as it was meant, forever, and every change to it
 * is refused for the reason that docs/FORMAT.md gives. If a test here fails, the code is wrong, not the vector.
 */
import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
import { currentOf } from '../../src/repository/catalog.ts';
import { openSession } from '../../src/repository/session.ts';
import type { Session } from '../../src/repository/session.ts';
import { checkLedgerCovers } from '../../src/repository/ledger.ts';
import { mustBeApplicable, openManifest, viewSet } from '../../src/restore/open.ts';
import { SnapshotReader } from '../../src/restore/reader.ts';
import { script } from '../../src/restore/script.ts';
import { selectSnapshot } from '../../src/restore/select.ts';
import { SegmentPool } from '../../src/segments/pool.ts';
import { openFileStore } from '../../src/stores/file.ts';
import { verifySet, verifyStore } from '../../src/verify/verify.ts';
import { tempFolder } from '../services/temp.ts';
import { applyChange } from '../vectors/change.ts';
import * as vectors from '../vectors/kit.ts';
import { NOW, SIGNAL, STORE_FOLDER } from '../vectors/kit.ts';
import type { ExpectedSnapshot, RefusedCase, SnapshotPlace } from '../vectors/kit.ts';

const keys = await vectors.readKeys();
const accepted = await readVectors<readonly ExpectedSnapshot[]>('accepted.json');
const refused = await readVectors<readonly RefusedCase[]>('refused.json');
const amended = await readVectors<readonly RefusedCase[]>('amended.json');
const AMENDED_STORE = join(vectors.AMENDED_FOLDER, 'store');
/** Who reads the amended store: its recipient of today. */
const AFTER = { recipients: ['next'], former: ['ops'], key: 'next' } as const;

describe('the accepted store', () => {
  it.for(accepted)('gives exactly the SQL of $set@$snapshot', async (expected) => {
    const snapshot = await readSnapshot(await open(STORE_FOLDER), expected);
    expect(snapshot.sql).toBe(await expectedSql(expected.sql));
    expect(snapshot.globals).toBe(expected.globals === undefined ? '' : await expectedSql(expected.globals));
    expect(snapshot.streams).toEqual(expected.streams);
  });

  it('has nothing wrong in it', async () => {
    const session = await open(STORE_FOLDER);
    expect(await verifyStore(session, SIGNAL)).toEqual([]);
    for (const set of new Set(accepted.map((snapshot) => snapshot.set)))
      expect(await problems(session, set)).toEqual([]);
  });

  it('is read by the shell script as well', { timeout: 60_000 }, async () => {
    for (const { sql, found } of await recoverAll('ops', STORE_FOLDER, accepted))
      expect(found).toBe(await expectedSql(sql));
  });
});

describe('the amended store', () => {
  const ofShop = accepted.filter(({ set }) => set === 'shop');

  it.for(ofShop)('gives exactly the SQL of $set@$snapshot, to its new recipient only', async (expected) => {
    const session = await open(AMENDED_STORE, { reader: AFTER });
    const snapshot = await readSnapshot(session, expected, keys.next);
    expect(snapshot.sql).toBe(await expectedSql(expected.sql));
    expect(snapshot.streams).toEqual(expected.streams);
    const refusal = readSnapshot(session, expected, keys.ops);
    await expect(refusal).rejects.toMatchObject({ code: 'KEY_DOES_NOT_OPEN' });
  });

  it('has nothing wrong in it', async () => {
    const session = await open(AMENDED_STORE, { reader: AFTER });
    expect(await problems(session, 'shop', keys.next)).toEqual([]);
    expect(await problems(session, 'notes', keys.ops)).toEqual([]);
  });

  it('is read by the shell script as well', { timeout: 60_000 }, async () => {
    for (const { sql, found } of await recoverAll('next', AMENDED_STORE, ofShop))
      expect(found).toBe(await expectedSql(sql));
  });

  it.for(amended)('is refused: $name ($what)', async (one) => {
    await expectRefusal(one, {
      from: AMENDED_STORE,
      objects: join(vectors.AMENDED_FOLDER, 'refused'),
      reader: AFTER,
    });
  });
});

async function recoverAll(key: string, store: string, snapshots: readonly ExpectedSnapshot[]) {
  const folder = await tempFolder('gnupg');
  const env = { PATH: process.env['PATH'], GNUPGHOME: folder };
  const run = promisify(execFile);
  try {
    await run('gpg', ['--batch', '--quiet', '--import', vectors.keyFile(key)], { env });
    const all: { readonly sql: string; readonly found: string }[] = [];
    for (const { set, snapshot, sql } of snapshots) {
      const name = ['--no-restrict', '--expired', '--store', store, `${set}@${snapshot}`];
      const { stdout } = await run('sh', [RECOVER, ...name], { env, maxBuffer: 1 << 24 });
      all.push({ sql, found: stdout });
    }
    return all;
  } finally {
    await run('gpgconf', ['--kill', 'all'], { env });
  }
}

const RECOVER = join(import.meta.dirname, '../../src/recovery/recover.sh');

describe('a changed store', () => {
  it.for(refused)('is refused: $name ($what)', async (one) => {
    await expectRefusal(one, { from: STORE_FOLDER, objects: vectors.REFUSED_FOLDER, reader: BEFORE });
  });
});

interface Reader {
  readonly recipients: readonly (keyof vectors.Keys)[];
  readonly former: readonly (keyof vectors.Keys)[];
  readonly key: keyof vectors.Keys;
}
const BEFORE: Reader = { recipients: ['ops'], former: [], key: 'ops' };

async function expectRefusal(
  { changes, read, seen, hosts, code, verify }: RefusedCase,
  { from, objects, reader }: { from: string; objects: string; reader: Reader },
): Promise<void> {
  const folder = await tempFolder('refused');
  const [root, stateDir] = [join(folder, 'store'), join(folder, 'state')];
  await cp(from, root, { recursive: true });
  if (seen) await readSnapshot(await open(root, { stateDir, reader }), read, keys[reader.key]);
  for (const change of changes) await applyChange(change, root, objects);

  const session = open(root, { stateDir, reader, ...(hosts && { hosts }) });
  if (verify === 'problem') {
    expect(await problems(await session, read.set)).not.toEqual([]);
  } else {
    const reading = session.then((opened) => readSnapshot(opened, read, keys[reader.key]));
    await expect(reading).rejects.toMatchObject({ name: 'HoldfastError', code });
  }
}

interface OpenOptions {
  readonly stateDir?: string;
  readonly hosts?: 'none';
  readonly reader?: Reader;
}

/** Opens a store as a machine whose configuration names recipients, the purge signer and, unless told otherwise, db2. */
async function open(root: string, { stateDir, hosts, reader = BEFORE }: OpenOptions = {}): Promise<Session> {
  const store = vectors.withClock(openFileStore(`file://${root}`), () => NOW);
  const trusted = {
    recipients: reader.recipients.map((name) => keys[name].toPublic()),
    formerRecipients: reader.former.map((name) => keys[name].toPublic()),
    signers: hosts === 'none' ? [] : [keys.db2.toPublic()],
    purgeSigners: [keys.officer.toPublic()],
  };
  return openSession({ store, stateDir: stateDir ?? (await tempFolder('state')), ...trusted }, SIGNAL);
}

/** Everything that `restore` and `cat` do before and while they read. */
async function readSnapshot(session: Session, { set, snapshot }: SnapshotPlace, key = keys.ops) {
  const view = await viewSet(session, set, false, SIGNAL);
  mustBeApplicable(view);
  const failure = view.catalog.failures.find(({ key }) => key.includes(snapshot));
  if (failure) throw failure.error;
  const item = selectSnapshot(view.catalog.entries, { set, when: snapshot }, view.now);
  checkLedgerCovers(set, view.ledger, currentOf(item).binding.ledger_seen);
  const manifest = await openManifest(session, item, new KeyOpener([key]), SIGNAL);
  await using pool = SegmentPool.forReading();
  const reader = new SnapshotReader(session.store, manifest, pool);
  const text = async (globals: boolean) =>
    Buffer.concat(await Array.fromAsync(script(reader, { globals }, SIGNAL))).toString();
  const [sql, all] = [unframed(await text(false)), unframed(await text(true))];
  const streams = reader.streams.map((s) => [s.name, s.section, s.dialect, s.segments, s.rows, s.bytes]);
  return { sql, globals: all.slice(0, all.length - sql.length), streams };
}

/** A PostgreSQL script stands between `\restrict KEY` and `\unrestrict KEY`, which are not in the store. */
function unframed(text: string): string {
  return /^\\restrict ([0-9a-f]{48})\n([^]*)\\unrestrict \1\n$/.exec(text)?.[2] ?? text;
}

async function problems(session: Session, set: string, key = keys.ops): Promise<string[]> {
  await using pool = SegmentPool.forReading();
  const readData = { opener: new KeyOpener([key]), pool };
  const { findings } = await verifySet({ session, set, readData, onProgress: () => undefined }, SIGNAL);
  return findings.map(({ text }) => text);
}

async function readVectors<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(vectors.FOLDER, name), 'utf8')) as T;
}

function expectedSql(name: string): Promise<string> {
  return readFile(join(vectors.EXPECTED_FOLDER, name), 'utf8');
}
