/**
 * What every engine promises, whatever it is: the same words for all of them, through the command line and the engine's
 * own tools. What an engine cannot do stands in its subject as a sentence, and is shown.
 *
 * Awkward contents and both kinds of store are in `integration/end-to-end-*.test.ts`; here the databases are plain.
 */
import { readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { endAgents, keyring, recover, toolFolder } from '../integration/recovery-kit.ts';
import { configure } from '../integration/suppression-kit.ts';
import { watchArguments } from '../services/arguments.ts';
import { expectComplaint, expectNoInside } from '../services/complaint.ts';
import { PLACES, backUp, committedIn, folderPlace, makeHost, snapshotsOf } from '../services/machines.ts';
import type { Host, Machine, SnapshotRecord } from '../services/machines.ts';
import { tempFolder } from '../services/temp.ts';
import type { Bank, Engine, EnginePromise, EngineSubject } from './engine.subject.ts';

/** Registers the suite. */
export function engineContract(name: string, subject: EngineSubject): void {
  describe(name, () => {
    afterAll(endAgents);
    const promise = (which: EnginePromise, title: string, body: () => Promise<void>) => {
      const exception = subject.cannot[which];
      if (exception === undefined) test(title, body);
      else test(`NOT: ${title}: ${exception.because}`, exception.shown);
    };
    twoDays(subject, promise);
    damaged(subject, promise);
    hostile(subject, promise);
    people(subject, promise);
    inUse(subject, promise);
  });
}

type DefinePromise = (which: EnginePromise, title: string, body: () => Promise<void>) => void;

interface Days {
  readonly engine: Engine;
  readonly host: Host;
  readonly reader: Machine;
  readonly records: readonly SnapshotRecord[];
  readonly contents: readonly unknown[];
}

/** A host that has backed up on two days. */
async function backUpTwice(subject: EngineSubject): Promise<Days> {
  const engine = await subject.open();
  const host = await makeHost({ place: await folderPlace(), source: engine.source, env: engine.env });
  const contents = [await engine.content()];
  const records = [await backUp(host)];
  await engine.change();
  contents.push(await engine.content());
  records.push(await backUp(host));
  return { engine, host, reader: await host.reader(), records, contents };
}

function twoDays(subject: EngineSubject, promise: DefinePromise): void {
  describe('two days', () => {
    let days: Days;
    beforeAll(async () => {
      days = await backUpTwice(subject);
    });

    promise('equal', 'each day comes back equal, on another machine', async () => {
      const { engine, reader, records, contents } = days;
      expect(contents[0]).not.toEqual(contents[1]);
      for (const [day, { snapshot }] of records.entries()) {
        const to = await engine.newTarget();
        await reader.good(['restore', `shop@${snapshot}`, '--to', to]);
        expect(await engine.contentOf(to)).toEqual(contents[day]);
      }
    });

    promise('shares', 'the second day stores only what is new', () => {
      const [first, second] = days.records;
      expect(first).toMatchObject({ full: true, counts: { new_segments: first?.counts.segments } });
      expect(second?.full).toBe(false);
      expect(second?.counts.new_segments).toBeGreaterThan(0);
      expect(second?.counts.new_segments).toBeLessThan((second?.counts.segments ?? 0) / 2);
      return Promise.resolve();
    });

    promise('cat', 'what cat prints, the engine’s own client loads to an equal database', async () => {
      const { engine, reader, contents } = days;
      const { stdout } = await reader.good(['cat', 'shop'], { encoding: 'latin1' });
      expect(await engine.contentOfScript(Buffer.from(stdout, 'latin1'))).toEqual(contents[1]);
    });

    promise(
      'recover',
      'recover.sh, with gpg and a shell and without us, gives what the own client loads',
      async () => {
        const { engine, host, contents } = days;
        const gnupg = await keyring([await readFile(host.opsKey, 'utf8')]);
        const place = { store: fileURLToPath(host.place.url), tools: await toolFolder(), gnupg };
        const { code, stdout, stderr } = await recover(['shop'], place);
        expect({ code, stderr }).toMatchObject({ code: 0 });
        expect(stderr).toContain('complete');
        expect(await engine.contentOfScript(stdout)).toEqual(contents[1]);
      },
    );

    promise('occupied', 'a target that holds anything is refused, and stays as it was', async () => {
      const { engine, reader } = days;
      const to = await engine.occupiedTarget();
      const before = await engine.contentOf(to);
      for (const more of [[], engine.parts.args]) {
        const refused = await reader.run(['restore', 'shop', '--to', to, ...more]);
        expectComplaint(refused, {
          exit: 6,
          error: /already|exists|holds|not empty/,
          hint: /--to|path|new|empty/i,
          secrets: engine.secrets,
        });
        expect(await engine.contentOf(to)).toEqual(before);
      }
    });

    promise('parts', 'a part that is asked for comes, and nothing else', async () => {
      const { engine, reader } = days;
      const { chosen, other, args } = engine.parts;
      const to = await engine.newTarget();
      await reader.good(['restore', 'shop', '--to', to, ...args]);
      expect(await engine.count(engine.live, chosen)).toBeGreaterThan(0);
      expect(await engine.count(to, chosen)).toBe(await engine.count(engine.live, chosen));
      expect(await engine.count(engine.live, other)).toBeGreaterThan(0);
      expect(await engine.count(to, other)).toBe(0);
    });
  });
}

function damaged(subject: EngineSubject, promise: DefinePromise): void {
  describe('a pack with a wrong byte', () => {
    let engine: Engine;
    let reader: Machine;
    beforeAll(async () => {
      engine = await subject.open();
      // One backup, which needs each of its segments.
      const host = await makeHost({ place: await folderPlace(), source: engine.source, env: engine.env });
      await backUp(host);
      reader = await host.reader();
      await flipInLargestPack(fileURLToPath(host.place.url));
    });

    promise('damage', 'is found by verify', async () => {
      const { json, exitCode } = await reader.run(['verify', '--read-data', '--json']);
      expect(exitCode).toBe(4);
      expect(json.at(-1)).toMatchObject({ type: 'summary' });
      expect(json.at(-1)?.['problems']).toBeGreaterThan(0);
    });

    promise('half-way', 'ends a restore half-way, which takes away what it made', async () => {
      const to = await engine.newTarget();
      const failed = await reader.run(['restore', 'shop', '--to', to]);
      expect(failed.exitCode).not.toBe(0);
      // It names what it was reading: all that comes before is loaded by then.
      expect(failed.stderr).toMatch(
        /^holdfast: error: (.* failed: )?\S+: keep-.* is damaged or was changed/m,
      );
      expectNoInside(failed.stderr);
      expect(await engine.exists(to)).toBe(false);
      for (const secret of engine.secrets) expect(failed.stderr).not.toContain(secret);
    });
  });
}

/** In its last third, where the data are, and neither what comes first nor the pages behind them. */
async function flipInLargestPack(store: string): Promise<void> {
  const files = await readdir(store, { recursive: true, withFileTypes: true });
  const packs = files.filter((file) => file.isFile() && file.parentPath.endsWith('/packs'));
  const sized = await Promise.all(
    packs.map(async (file) => {
      const path = join(file.parentPath, file.name);
      return { path, size: (await stat(path)).size };
    }),
  );
  const largest = sized.toSorted((a, b) => b.size - a.size)[0]?.path ?? '';
  const bytes = await readFile(largest);
  const at = Math.floor(bytes.length * 0.7);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  await writeFile(largest, bytes);
}

function hostile(subject: EngineSubject, promise: DefinePromise): void {
  promise('death', 'a source that dies half-way makes no snapshot, and the next run works', async () => {
    const engine = await subject.open();
    const host = await makeHost({ place: await folderPlace(), source: engine.source, env: engine.env });
    await backUp(host);
    const before = await committedIn(host.place);
    const env = await engine.breakDumps();
    const failed = await host.run(['backup'], { env });
    expect(failed.exitCode).not.toBe(0);
    expect(failed.stderr).toMatch(/^holdfast: error: /m);
    expectNoInside(failed.stderr);
    expect(await committedIn(host.place)).toEqual(before);
    const reader = await host.reader();
    const to = await engine.newTarget();
    await reader.good(['restore', 'shop', '--to', to]);
    await reader.good(['verify', '--read-data']);
  });

  promise('secrets', 'no secret is in an argument or an output, while it runs or after', async () => {
    const engine = await subject.open();
    const watch = watchArguments();
    onTestFinished(() => void watch.stop());
    const host = await makeHost({ place: await folderPlace(), source: engine.source, env: engine.env });
    const passphrase = join(await tempFolder(), 'passphrase');
    await writeFile(passphrase, `${host.escrowPassphrase}\n`, { mode: 0o600 });
    const said = [await host.good(['doctor']), await host.good(['backup', '-vv'])];
    const reader = await host.reader();
    const env = { ...engine.env, HOLDFAST_KEY: undefined, HOLDFAST_PASSPHRASE_FILE: passphrase };
    const read = (verb: readonly string[], more = {}) =>
      reader.good([...verb, '-vv', '--key', host.escrowKey], { env: { ...env, ...more } });
    said.push(await read(['verify', '--read-data']));
    const target = await engine.quietTarget();
    said.push(await read(['restore', 'shop', ...target.args], target.env));
    const lines = watch.stop();
    // The watch has seen the program itself.
    expect(lines.some((line) => line.includes('holdfast.js backup'))).toBe(true);
    const text = said.map(({ stdout, stderr }) => stdout + stderr).join('\n');
    for (const secret of [...engine.secrets, host.escrowPassphrase]) {
      expect(lines.filter((line) => line.includes(secret))).toEqual([]);
      expect(text).not.toContain(secret);
    }
  });
}

function people(subject: EngineSubject, promise: DefinePromise): void {
  promise(
    'purge',
    'a person is purged from every day, and does not come back while they are still in the source',
    async () => {
      const { engine, host, reader } = await backUpTwice(subject);
      const { person } = engine;
      for (const { folder } of [host, reader]) {
        await writeFile(join(folder, 'map.yaml'), person.map);
        await configure(folder, 'subjects: map.yaml\n');
      }
      const isIn = async (when: string) => {
        const { stdout } = await reader.good(['cat', `shop@${when}`], { encoding: 'latin1' });
        return stdout.includes(person.mark);
      };
      expect(await isIn('oldest')).toBe(true);

      await reader.good([
        'purge',
        'plan',
        'shop',
        '--subject',
        person.name,
        '--ref',
        'T-1',
        '-o',
        'plan.pgp',
      ]);
      const applied = await reader.good([
        'purge',
        'apply',
        'plan.pgp',
        '--yes',
        '-o',
        'receipt.json',
        '--json',
      ]);
      expect(applied.json.at(-1)).toMatchObject({ type: 'summary', complete: true });
      await reader.good(['purge', 'verify', 'receipt.json']);
      for (const snapshot of await snapshotsOf(host)) expect(await isIn(snapshot)).toBe(false);

      // The application has not erased them yet: what it brings of them is suppressed.
      await backUp(host);
      expect(await isIn('latest'), 'suppressed').toBe(false);
      await person.erase();
      const to = await engine.newTarget();
      await reader.good(['restore', 'shop', '--to', to]);
      expect(await engine.contentOf(to)).toEqual(await engine.content());
      await reader.good(['verify', '--read-data']);
    },
  );
}

function inUse(subject: EngineSubject, promise: DefinePromise): void {
  promise('empty', 'a database with nothing in it goes and comes back', async () => {
    const engine = await subject.openEmpty();
    const host = await makeHost({ place: await folderPlace(), source: engine.source, env: engine.env });
    await backUp(host);
    const reader = await host.reader();
    const to = await engine.newTarget();
    await reader.good(['restore', 'shop', '--to', to]);
    expect(await engine.contentOf(to)).toEqual(await engine.content());
    await reader.good(['verify', '--read-data']);
  });

  momentContract(() => subject.openBank(), promise);
}

/** Registers the promise that a dump is of one moment, for a bank whose money moves. */
export function momentContract(
  openBank: () => Promise<Bank>,
  promise: DefinePromise = (_, title, body) => {
    test(title, body);
  },
): void {
  for (const [place, makePlace] of PLACES)
    promise('moment', `a backup to ${place} is of one moment, whatever writers do`, async () => {
      const bank = await openBank();
      const host = await makeHost({ place: await makePlace(), source: bank.source, env: bank.env });
      const reader = await host.reader();
      const writers = bank.startWriters();
      const snapshots: string[] = [];
      try {
        for (let run = 0; run < BACKUPS; run++) snapshots.push((await backUp(host)).snapshot);
      } finally {
        await writers.stop();
      }
      const moments = new Set<number>();
      for (const snapshot of snapshots) {
        const to = await bank.newTarget();
        await reader.good(['restore', `shop@${snapshot}`, '--to', to]);
        const { total, half, journal, transfers } = await bank.booksOf(to);
        expect({ total, journal }).toEqual({ total: BANK_TOTAL, journal: half });
        moments.add(transfers);
      }
      // Where all copies show the same moment, nobody wrote.
      expect(moments.size).toBe(BACKUPS);
      expect(Math.max(...moments)).toBeGreaterThan(BACKUPS * 10);
    });
}

const BACKUPS = 3;
/** In each half of a bank, 100 in each account. */
export const ACCOUNTS = 2000;
const BANK_TOTAL = ACCOUNTS * 2 * 100;
