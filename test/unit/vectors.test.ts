/**
 * The vectors of format 1: a store that was written once is read as it was meant, forever, and every change to it
 * is refused for the reason that docs/FORMAT.md gives. If a test here fails, the code is wrong, not the vector.
 */
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { KeyOpener } from '../../src/openpgp/message.ts';
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
import * as vectors from '../vectors/kit.ts';
import { NOW, SIGNAL, STORE_FOLDER } from '../vectors/kit.ts';
import type { Change, ExpectedSnapshot, RefusedCase, SnapshotPlace } from '../vectors/kit.ts';

const keys = await vectors.readKeys();
const accepted = await readVectors<readonly ExpectedSnapshot[]>('accepted.json');
const refused = await readVectors<readonly RefusedCase[]>('refused.json');

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
    const folder = await tempFolder('gnupg');
    const env = { PATH: process.env['PATH'], GNUPGHOME: folder };
    const run = promisify(execFile);
    try {
      await run('gpg', ['--batch', '--quiet', '--import', vectors.keyFile('ops')], { env });
      for (const { set, snapshot, sql } of accepted) {
        const name = ['--no-restrict', '--expired', '--store', STORE_FOLDER, `${set}@${snapshot}`];
        const { stdout } = await run('sh', [RECOVER, ...name], { env, maxBuffer: 1 << 24 });
        expect(stdout).toBe(await expectedSql(sql));
      }
    } finally {
      await run('gpgconf', ['--kill', 'all'], { env });
    }
  });
});

const RECOVER = join(import.meta.dirname, '../../src/recovery/recover.sh');

describe('a changed store', () => {
  it.for(refused)('is refused: $name ($what)', async ({ changes, read, seen, hosts, code, verify }) => {
    const folder = await tempFolder('refused');
    const [root, stateDir] = [join(folder, 'store'), join(folder, 'state')];
    await cp(STORE_FOLDER, root, { recursive: true });
    if (seen) await readSnapshot(await open(root, stateDir), read);
    for (const change of changes) await apply(change, root);

    if (verify === 'problem') {
      expect(await problems(await open(root, stateDir, hosts), read.set)).not.toEqual([]);
    } else {
      const reading = open(root, stateDir, hosts).then((session) => readSnapshot(session, read));
      await expect(reading).rejects.toMatchObject({ name: 'HoldfastError', code });
    }
  });
});

/** Opens a store as a machine whose configuration names ops, the purge signer and, unless told otherwise, db2. */
async function open(root: string, stateDir?: string, hosts?: 'none'): Promise<Session> {
  const store = vectors.withClock(openFileStore(`file://${root}`), () => NOW);
  const trusted = {
    recipients: [keys.ops.toPublic()],
    signers: hosts === 'none' ? [] : [keys.db2.toPublic()],
    purgeSigners: [keys.officer.toPublic()],
  };
  return openSession({ store, stateDir: stateDir ?? (await tempFolder('state')), ...trusted }, SIGNAL);
}

/** Everything that `restore` and `cat` do before and while they read. */
async function readSnapshot(session: Session, { set, snapshot }: SnapshotPlace) {
  const view = await viewSet(session, set, false, SIGNAL);
  mustBeApplicable(view);
  const failure = view.catalog.failures.find(({ key }) => key.includes(snapshot));
  if (failure) throw failure.error;
  const item = selectSnapshot(view.catalog.entries, { set, when: snapshot }, view.now);
  checkLedgerCovers(set, view.ledger, item.entry.ledger_seen);
  const manifest = await openManifest(session, item, new KeyOpener([keys.ops]), SIGNAL);
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

async function problems(session: Session, set: string): Promise<string[]> {
  await using pool = SegmentPool.forReading();
  const readData = { opener: new KeyOpener([keys.ops]), pool };
  const { findings } = await verifySet({ session, set, readData, onProgress: () => undefined }, SIGNAL);
  return findings.map(({ text }) => text);
}

async function apply(change: Change, root: string): Promise<void> {
  const file = join(root, change.file);
  await mkdir(dirname(file), { recursive: true });
  if (change.do === 'flip') {
    const bytes = await readFile(file);
    bytes[change.at] = (bytes[change.at] ?? 0) ^ 1;
    await writeFile(file, bytes);
  }
  if (change.do === 'truncate') await truncate(file, change.to);
  if (change.do === 'append') await appendFile(file, change.text);
  if (change.do === 'remove') await rm(file);
  if (change.do === 'copy') await cp(join(root, change.from), file);
  if (change.do === 'put') await cp(join(vectors.REFUSED_FOLDER, change.object), file);
  if (change.do === 'swap') {
    await rename(file, `${file}.swapped`);
    await rename(join(root, change.with), file);
    await rename(`${file}.swapped`, join(root, change.with));
  }
}

async function readVectors<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(join(vectors.FOLDER, name), 'utf8')) as T;
}

function expectedSql(name: string): Promise<string> {
  return readFile(join(vectors.EXPECTED_FOLDER, name), 'utf8');
}
