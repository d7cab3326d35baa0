/**
 * The whole road through the command line, the same for every engine and both kinds of store: set up, back up on three
 * days, look, and bring back on another machine.
 */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import type { CliResult } from '../services/cli.ts';
import { PLACES, backUp, keysIn, makeHost, snapshotsOf } from '../services/machines.ts';
import type { Host, Machine, Place, SnapshotRecord } from '../services/machines.ts';
import { tempFolder } from '../services/temp.ts';

/** One database in use, and what its own tools say about it. */
export interface Database {
  /** `--source …` of init. */
  readonly source: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  /** Itself, as `rowsIn` takes it. */
  readonly live: string;
  /** Two tables that hold rows, and one that does, too. */
  readonly chosen: readonly [string, string];
  readonly other: string;
  /** Something happens in the application. */
  change(): Promise<void>;
  /** Everything in it, comparable. */
  content(): Promise<unknown>;
  /** The same of what was restored to `to`. */
  contentOf(to: string): Promise<unknown>;
  /** What of `content` is in an SQL script. */
  scriptContent(): Promise<unknown>;
  /** What of a script is no UTF-8: it is handed over with one character for each byte. */
  readonly scriptEncoding?: 'latin1';
  /** The same after the engine's own client has loaded a script into an empty database. */
  scriptContentOf(sql: string): Promise<unknown>;
  rowsIn(to: string, table: string): Promise<number>;
  /** For `--to`: something that does not exist, or is empty. */
  newTarget(): Promise<string>;
  /** What `--dry-run` says of it; default: `will be created`. */
  readonly targetIs?: 'empty';
  exists(to: string): Promise<boolean>;
}

const DAYS = 3;

/** Defines the tests for one engine. */
export function endToEnd(open: () => Promise<Database>): void {
  describe.each(PLACES)('with the store in %s', (_, makePlace) => {
    let place: Place;
    let database: Database;
    let host: Host;
    let reader: Machine;
    const records: SnapshotRecord[] = [];
    const contents: unknown[] = [];
    const said: CliResult[] = [];

    beforeAll(async () => {
      [place, database] = await Promise.all([makePlace(), open()]);
      host = await makeHost({ place, source: database.source, env: database.env });
      for (let day = 0; day < DAYS; day++) {
        if (day > 0) await database.change();
        contents.push(await database.content());
        records.push(await backUp(host));
      }
      reader = await host.reader();
    });

    const restoredOn = async (day: number, ...args: string[]) => {
      const to = await database.newTarget();
      const result = await reader.good([
        'restore',
        `shop@${records[day]?.snapshot ?? ''}`,
        '--to',
        to,
        ...args,
      ]);
      said.push(result);
      return { to, result };
    };

    test('init says where the private key is, and what comes next', async () => {
      const { stdout, stderr } = host.initialised;
      expect(stdout).toContain('PRIVATE KEY: ');
      expect(stdout).toContain('Take it off this host now');
      expect(stdout).toMatch(/^next: holdfast doctor$/m);
      expect(stderr).toBe('');
      expect(await readdir(join(host.folder, 'keys'))).toEqual([
        'escrow.asc',
        'host.asc',
        'host.key',
        'ops.asc',
      ]);
    });

    test('the host has no private key but the one that signs', async () => {
      const files = await readdir(host.folder, { recursive: true, withFileTypes: true });
      const holding: string[] = [];
      for (const file of files.filter((each) => each.isFile())) {
        const text = await readFile(join(file.parentPath, file.name), 'latin1');
        if (text.includes('PRIVATE KEY')) holding.push(file.name);
      }
      expect(holding).toEqual(['host.key']);
    });

    test('doctor finds nothing wrong', async () => {
      said.push(await host.good(['doctor']));
      const { json } = await host.good(['doctor', '--json']);
      const checks = json.filter(({ type }) => type === 'check');
      // What the source warns of (here: a table whose rowids nobody can name) is about the database, not the set-up.
      const told = checks.filter(({ verdict, what }) => verdict !== 'ok' && !/^set /.test(String(what)));
      // A folder expires nothing by itself; this bucket has no versions and its user every right.
      const posture = place.url.startsWith('s3:') ? ['store writing', 'store rights'] : ['store expiry'];
      expect(told.map(({ what }) => what)).toEqual(posture);
      expect(told.every(({ verdict }) => verdict === 'warning')).toBe(true);
      expect(checks.length).toBeGreaterThan(6);
    });

    test('every day has its snapshot, and only the first is full', async () => {
      expect(records.map(({ full, seq }) => ({ full, seq }))).toEqual([
        { full: true, seq: 1 },
        { full: false, seq: 2 },
        { full: false, seq: 3 },
      ]);
      const [first, ...later] = records.map(({ counts }) => counts);
      for (const { new_segments, segments } of later) {
        expect(new_segments).toBeGreaterThan(0);
        expect(new_segments).toBeLessThan(segments);
      }
      expect(first?.new_segments).toBe(first?.segments);
      expect(await snapshotsOf(host)).toEqual(records.map(({ snapshot }) => snapshot));
      const table = (await host.good(['snapshots'])).stdout;
      for (const { snapshot } of records) expect(table).toContain(`shop@${snapshot}`);
    });

    test('status and verify are content, with and without the key', async () => {
      expect((await host.good(['status'])).stdout).toMatch(/^OK +shop: /);
      expect((await host.good(['verify'])).stdout).toMatch(
        /^shop: 3 of 3 snapshots sound, \d+ packs? present\n$/,
      );
      const { json } = await reader.good(['verify', '--read-data', '--json']);
      expect(json.at(-1)).toMatchObject({ type: 'summary', problems: 0, unchecked: 0 });
      expect(json.at(-1)?.['sets']).toMatchObject([{ set: 'shop', snapshots: 3, sound: 3 }]);
    });

    test('each day comes back as it was, into a new database on another machine', async () => {
      for (const [day, content] of contents.entries()) {
        const { to, result } = await restoredOn(day);
        expect(result.stdout).toContain('the counts match the snapshot');
        expect(await database.contentOf(to)).toEqual(content);
        if (day > 0) continue;
        const again = await reader.run(['restore', 'shop', '--to', to]);
        expectComplaint(again, { exit: 6, error: /already|exists|holds|not empty/, hint: /--to|path|new/i });
        expect(await database.contentOf(to)).toEqual(content);
      }
    });

    test('the second recipient restores as well, with the passphrase of its key', async () => {
      const passphrase = join(await tempFolder(), 'passphrase');
      await writeFile(passphrase, `${host.escrowPassphrase}\n`, { mode: 0o600 });
      const to = await database.newTarget();
      const env = { HOLDFAST_KEY: undefined, HOLDFAST_PASSPHRASE_FILE: passphrase };
      await reader.good(['restore', 'shop', '--to', to, '--key', host.escrowKey, '--jobs', '1'], { env });
      expect(await database.contentOf(to)).toEqual(contents.at(-1));
    });

    test('cat and --to FILE.sql are the same script, which the stock client loads', async () => {
      const encoding = database.scriptEncoding;
      const { stdout } = await reader.good(['cat', 'shop'], { ...(encoding && { encoding }) });
      const file = join(await tempFolder(), 'shop.sql');
      await reader.good(['restore', 'shop', '--to', file]);
      const script = await readFile(file, encoding ?? 'utf8');
      expect(withoutGuard(script) === withoutGuard(stdout)).toBe(true);
      expect(await database.scriptContentOf(stdout)).toEqual(await database.scriptContent());
      const again = await reader.run(['restore', 'shop', '--to', file]);
      expectComplaint(again, { exit: 6, error: /already/, hint: /--to/ });
      expect((await readFile(file, encoding ?? 'utf8')) === script).toBe(true);
    });

    test('--table brings the rows of some tables', async () => {
      const [one, two] = database.chosen;
      const { to } = await restoredOn(2, '--table', one, '--table', two);
      for (const table of [one, two]) {
        expect(await database.rowsIn(to, table)).toBeGreaterThan(0);
        expect(await database.rowsIn(to, table)).toBe(await database.rowsIn(database.live, table));
      }
      expect(await database.rowsIn(database.live, database.other)).toBeGreaterThan(0);
      expect(await database.rowsIn(to, database.other)).toBe(0);
    });

    test('--dry-run tells what would be, and does nothing', async () => {
      const before = await keysIn(place);
      const to = await database.newTarget();
      const { stdout } = await reader.good(['restore', 'shop', '--to', to, '--dry-run']);
      expect(stdout).toMatch(/^target +.*: (will be created|empty)$/m);
      expect(stdout).toContain(`: ${database.targetIs ?? 'will be created'}\n`);
      expect(stdout).toContain(database.other);
      expect(stdout).not.toContain('missing:');
      expect(await database.exists(to)).toBe(false);
      expect(await keysIn(place)).toEqual(before);
    });

    test('no password is in anything that a run says', async () => {
      const verbose = [
        await host.good(['backup', '-vv']),
        await reader.good(['verify', '--read-data', '-vv']),
      ];
      const text = [host.initialised, ...said, ...verbose]
        .map(({ stdout, stderr }) => stdout + stderr)
        .join('');
      const credentials = Object.entries(place.env).filter(([name]) => /KEY/.test(name));
      for (const secret of [
        ...database.secrets,
        host.escrowPassphrase,
        ...credentials.map(([, value]) => value),
      ]) {
        expect(text).not.toContain(secret);
      }
    });
  });
}

/** The key of `\\restrict` is another one each time. */
function withoutGuard(sql: string): string {
  return sql.replaceAll(/^\\(?:un)?restrict .*$/gm, '');
}
