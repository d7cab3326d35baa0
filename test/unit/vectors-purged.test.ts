/**
 * The purged vectors of format 1: side-cars, suppression and subject indexes that were written once are read as they
 * were meant, by this program, by the shell script, and by a second reader that knows nothing but docs/FORMAT.md.
 */
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';
import { applyChange } from '../vectors/change.ts';
import { FOLDER, PURGED_FOLDER, keyFile, readKeys } from '../vectors/kit.ts';
import type { LeftCase, PurgedSnapshot, PurgedVectors } from '../vectors/kit.ts';
import { purgedReader } from '../vectors/purged-reader.ts';

const SET = 'shop';
const STORE = join(PURGED_FOLDER, 'store');
/** Whoever was erased: the address as it is in the dump, and what only they have bought. */
const CANARIES = ['Zoë.Perce@', ' ZOË.perce@Example.ORG', "harp ''no. 1''"];

const keys = await readKeys();
const vectors = JSON.parse(await readFile(join(FOLDER, 'purged.json'), 'utf8')) as PurgedVectors;
const { snapshots, indexed, refused, purge } = vectors;
const left = JSON.parse(await readFile(join(FOLDER, 'left.json'), 'utf8')) as LeftCase[];

function expectedSql({ name }: PurgedSnapshot): Promise<string> {
  return readFile(join(PURGED_FOLDER, 'expected', `${name}.sql`), 'utf8');
}

async function readerOf(root: string) {
  return purgedReader(root, keys, await tempFolder('state'));
}

let gnupg: string;
beforeAll(async () => {
  gnupg = await tempFolder('gnupg');
  const command = ['--homedir', gnupg, '--batch', '--quiet', '--import', keyFile('ops')];
  await execa('gpg', command);
});
afterAll(async () => {
  await execa('gpgconf', ['--homedir', gnupg, '--kill', 'all'], { reject: false });
});

describe('the program', () => {
  it.for(snapshots)('gives $name without who was erased, and with everybody else', async (one) => {
    const { sql, ...facts } = await (await readerOf(STORE)).read(one.snapshot);
    expect(sql).toBe(await expectedSql(one));
    expect(facts).toEqual({ revision: one.revision, pending: one.pending, leftOut: one.leftOut });
    for (const canary of CANARIES) expect(sql).not.toContain(canary);
    expect(sql.includes('zoë.perce@example.org')).toBe(one.name === 'later');
  });

  it.for(indexed)('finds $key of $table in segments $segments of $snapshot', async (one) => {
    const reader = await readerOf(STORE);
    expect(await reader.indexed(one.snapshot, one.table, one.columns, one.key)).toEqual(one.segments);
  });

  it('reads whom the purge is about, and their tokens', async () => {
    expect(await (await readerOf(STORE)).suppression(purge)).toEqual(vectors.suppression);
  });

  it.for(refused)('refuses $name ($what)', async ({ changes, read, code }) => {
    const root = join(await tempFolder('refused'), 'store');
    await cp(STORE, root, { recursive: true });
    for (const change of changes) await applyChange(change, root, join(PURGED_FOLDER, 'refused'));
    const reading = readerOf(root).then((reader) => reader.read(read.snapshot));
    await expect(reading).rejects.toMatchObject({ name: 'HoldfastError', code });
  });
});

describe('the shell script', { timeout: 60_000 }, () => {
  it.for(snapshots)('gives $name, or says that the purge has not reached it', async (one) => {
    const script = join(FOLDER, '../../src/recovery/recover.sh');
    const args = [script, '--expired', '--store', STORE, `${SET}@${one.snapshot}`];
    const found = await execa('sh', args, {
      env: { GNUPGHOME: gnupg },
      reject: false,
      stripFinalNewline: false,
    });
    const isMissed = one.name === 'missed';
    expect(found.exitCode).toBe(isMissed ? 1 : 0);
    expect(found.stdout).toBe(isMissed ? '' : await expectedSql(one));
    expect(found.stderr.includes(`purge ${purge} has not reached`)).toBe(isMissed);
    expect(found.stderr.includes(`taken after purge ${purge}`)).toBe(one.name === 'later');
  });
});

describe('what a later line takes back', { timeout: 60_000 }, () => {
  const cases = left.flatMap((one) =>
    snapshots.flatMap((snapshot) =>
      snapshot.name === 'clear' || snapshot.name === 'amended'
        ? [{ ...one, snapshot, pending: one.pending[snapshot.name] }]
        : [],
    ),
  );

  it.for(cases)('$snapshot.name: $what', async ({ changes, snapshot, pending }) => {
    const root = join(await tempFolder('left'), 'store');
    await cp(STORE, root, { recursive: true });
    for (const change of changes) await applyChange(change, root, join(PURGED_FOLDER, 'left'));
    const sql = await expectedSql(snapshot);
    expect(await (await readerOf(root)).read(snapshot.snapshot)).toMatchObject({ sql, pending });

    const args = [join(FOLDER, 'reader.py'), root, SET, snapshot.snapshot, keys.ops.getFingerprint()];
    const input = JSON.stringify({ indexed: [], token_of: [] });
    const env = { GNUPGHOME: gnupg, PYTHONUTF8: '1' };
    const { stdout } = await execa(locateOrThrow('python3'), args, { env, input });
    expect(JSON.parse(stdout)).toMatchObject({ sql, pending });

    const script = join(FOLDER, '../../src/recovery/recover.sh');
    const recover = [script, '--expired', '--store', root, `${SET}@${snapshot.snapshot}`];
    const found = await execa('sh', recover, { env, reject: false, stripFinalNewline: false });
    const isFree = pending.length === 0;
    expect(found).toMatchObject({ exitCode: isFree ? 0 : 1, stdout: isFree ? sql : '' });
    expect(found.stderr.includes(`purge ${purge} has not reached`)).toBe(!isFree);
  });
});

/** What `reader.py` says of a snapshot. */
interface SecondReading {
  readonly revision: number;
  readonly sql: string;
  readonly pending: readonly string[];
  readonly sidecar: { readonly subjects: { readonly text: string } };
  readonly indexed: readonly (readonly number[])[];
  readonly suppression: Readonly<
    Record<string, PurgedVectors['suppression'] & { readonly map: string; readonly has: readonly boolean[] }>
  >;
}

describe('a second reader, in another language', { timeout: 60_000 }, () => {
  it.for(snapshots)('finds the same in $name', async (one) => {
    const own = indexed.filter(({ snapshot }) => snapshot === one.snapshot);
    const args = [join(FOLDER, 'reader.py'), STORE, SET, one.snapshot, keys.ops.getFingerprint()];
    const { stdout } = await execa(locateOrThrow('python3'), args, {
      env: { GNUPGHOME: gnupg, PYTHONUTF8: '1' },
      input: JSON.stringify({ indexed: own, token_of: ['42', '143'] }),
    });
    const found = JSON.parse(stdout) as SecondReading;
    const { revision, pending } = one;
    expect(found).toMatchObject({ revision, pending, indexed: own.map(({ segments }) => segments) });
    expect(found.sidecar.subjects.text).toBe(vectors.map);
    const said = { ...vectors.suppression, map: vectors.map, has: [true, false] };
    expect(found.suppression).toEqual({ [purge]: said });
    // It leaves nobody out.
    if (one.name === 'missed') for (const canary of CANARIES) expect(found.sql).toContain(canary);
    else expect(found.sql).toBe(await expectedSql(one));
  });
});
