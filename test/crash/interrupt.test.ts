/**
 * Goal: a backup that is asked to stop, or killed, in the middle of a dump leaves no snapshot and no dump tool behind,
 * and the next run works.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { expectComplaint } from '../services/complaint.ts';
import { PLACES, backUp, makeHost, snapshotsOf } from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { recorded, pathWith } from '../services/tools.ts';
import { tempFolder } from '../services/temp.ts';
import { usePostgres } from '../services/use.ts';

const TABLES = `CREATE TABLE first (id int, t text); CREATE TABLE second (id int, t text);
  CREATE TABLE busy (id int) PARTITION BY LIST (id);
  INSERT INTO first SELECT g, md5(g::text) FROM generate_series(1, 60000) g;
  INSERT INTO second SELECT g, md5(g::text) FROM generate_series(1, 60000) g;`;

describe.each(PLACES)('with the store in %s', (_, makePlace) => {
  let host: Host;
  let url: string;
  let pidFile: string;
  let path: string;
  let known: string[];

  beforeAll(async () => {
    const postgres = await usePostgres();
    url = await postgres.createDatabase('interrupt');
    await postgres.psql(url, TABLES);
    host = await makeHost({
      place: await makePlace(),
      source: ['--source', 'postgres', '--url-env', 'SHOP_DATABASE_URL'],
      env: { SHOP_DATABASE_URL: url },
    });
  });

  beforeEach(async () => {
    pidFile = join(await tempFolder(), 'pids');
    await writeFile(pidFile, '');
    path = await pathWith({
      pg_dump: recorded('pg_dump', pidFile),
      pg_dumpall: recorded('pg_dumpall', pidFile),
    });
    known = await snapshotsOf(host);
  });

  const pids = async () => (await readFile(pidFile, 'utf8')).split('\n').filter(Boolean).map(Number);

  /** Somebody works on a table, so that pg_dump waits for its lock: the run is surely in the middle of its dump. */
  async function holdTable(): Promise<() => Promise<void>> {
    const client = new Client(url);
    await client.connect();
    await client.query('BEGIN; LOCK TABLE ONLY busy IN ACCESS EXCLUSIVE MODE');
    const release = async () => client.end();
    onTestFinished(release);
    return release;
  }

  /** Starts a backup and ends it once its dump tools run. */
  async function endedBy(signal: NodeJS.Signals) {
    const running = new AbortController();
    const tools = (async () => {
      while (!running.signal.aborted && (await pids()).length < 4)
        await new Promise((resume) => setTimeout(resume, 20));
    })();
    const result = await host.run(['backup', '--full'], {
      env: { PATH: path },
      kill: { signal, once: tools },
    });
    running.abort();
    expect((await pids()).length).toBeGreaterThanOrEqual(3);
    return result;
  }

  async function expectNothingLeft(): Promise<void> {
    await expect.poll(async () => (await pids()).filter(isAlive), { timeout: 15_000 }).toEqual([]);
    expect(await snapshotsOf(host)).toEqual(known);
    expect((await host.good(['verify', '--json'])).json.at(-1)).toMatchObject({ problems: 0, unchecked: 0 });
  }

  async function expectNextRunWorks(): Promise<void> {
    const { snapshot } = await backUp(host);
    expect(await snapshotsOf(host)).toEqual([...known, snapshot]);
    const { stdout } = await (await host.reader()).good(['cat', `shop@${snapshot}`, '--table', 'second']);
    expect(stdout.match(/^\d+\t[0-9a-f]{32}$/gm)).toHaveLength(60_000);
  }

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s', async (signal) => {
    const release = await holdTable();
    const startedMs = performance.now();
    const result = await endedBy(signal);
    expectComplaint(withoutNotes(result), {
      exit: 130,
      error: /cancelled/,
      hint: /run the same command again/,
    });
    expect(result.stdout).toBe('');
    // pg_dump waits a minute for its lock; nobody waits for that.
    expect(performance.now() - startedMs).toBeLessThan(30_000);
    await expectNothingLeft();
    await release();
    await expectNextRunWorks();
  });

  test('SIGKILL', async () => {
    const release = await holdTable();
    expect(await endedBy('SIGKILL')).toMatchObject({ signal: 'SIGKILL', stdout: '', stderr: '' });
    await release();
    await expectNothingLeft();
    await expectNextRunWorks();
  });
});

/** Without what a stopping run says in between. */
function withoutNotes<T extends { readonly stderr: string }>(result: T): T {
  return { ...result, stderr: result.stderr.replaceAll(/^holdfast: note: .*\n/gm, '') };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
