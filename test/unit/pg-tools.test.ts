/** PostgreSQL's programs: which one is taken, which is refused, and how their end is told. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { toolDied } from '../../src/sources/postgres/errors.ts';
import { findTools } from '../../src/sources/postgres/tools.ts';
import { startTool } from '../../src/sources/tool.ts';
import { tempFolder } from '../services/temp.ts';

const SERVER = { major: 15, text: '15.20' };

/** A folder with executables that say a version. */
async function programs(versions: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(await tempFolder(), 'bin');
  await mkdir(folder);
  for (const [name, version] of Object.entries(versions)) {
    await writeFile(join(folder, name), `#!/bin/sh\necho "${name} (PostgreSQL) ${version}"\n`);
    await chmod(join(folder, name), 0o755);
  }
  return folder;
}

describe('findTools', () => {
  test('takes the first on the PATH', async () => {
    const first = await programs({ pg_dump: '15.3', pg_dumpall: '15.3 (Debian 15.3-1)' });
    const second = await programs({ pg_dump: '17.0', pg_dumpall: '17.0', stdbuf: '' });
    const tools = await findTools({ PATH: `/nonexistent:${first}::${second}` }, SERVER);
    expect(tools).toEqual({
      pgDump: join(first, 'pg_dump'),
      pgDumpall: join(first, 'pg_dumpall'),
      stdbuf: join(second, 'stdbuf'),
      version: '15.3',
    });
  });

  test.each(['16.1', '15.0', '18beta2', '19devel'])('takes %s for a server 15', async (version) => {
    const path = await programs({ pg_dump: version, pg_dumpall: version });
    expect(await findTools({ PATH: path }, SERVER)).toMatchObject({
      version,
      stdbuf: undefined,
    });
  });

  test.each([
    [{}, 'PG_TOOL_MISSING', 'pg_dump is not on the PATH'],
    [{ pg_dump: '15.1' }, 'PG_TOOL_MISSING', 'pg_dumpall is not on the PATH'],
    [{ pg_dump: '14.9', pg_dumpall: '15.1' }, 'PG_DUMP_OLD', 'pg_dump 14.9 is older than the server (15.20)'],
    [{ pg_dump: '15.1', pg_dumpall: '9.6.24' }, 'PG_DUMP_OLD', 'pg_dumpall 9.6.24 is older'],
    [{ pg_dump: 'nothing', pg_dumpall: '15.1' }, 'PG_TOOL_BROKEN', 'cannot run pg_dump --version'],
  ])('refuses %j', async (versions, code, message) => {
    const refused = findTools({ PATH: await programs(versions) }, SERVER);
    await expect(refused).rejects.toMatchObject({
      code,
      exitCode: 1,
      message: expect.stringContaining(message) as string,
    });
    if (code !== 'PG_TOOL_BROKEN')
      await expect(refused).rejects.toMatchObject({
        hint: expect.stringContaining('postgresql-client-15') as string,
      });
  });
});

describe('startTool', () => {
  const never = new AbortController().signal;
  const shell = (script: string, signal = never) =>
    startTool(
      { name: 'tool', file: '/bin/sh', args: ['-c', script], env: { PATH: '/usr/bin:/bin' }, died: toolDied },
      signal,
    );
  const output = async (bytes: AsyncIterable<Buffer>): Promise<string> => {
    return Buffer.concat(await Array.fromAsync(bytes)).toString();
  };

  test('passes the output on', async () => {
    expect(await output(shell('echo one; echo two >&2; sleep 0.05; echo three').bytes)).toBe('one\nthree\n');
  });

  test('keeps what a tool wrote that ended before anyone read', async () => {
    const tool = shell('head -c 30000 /dev/zero');
    await sleep(500);
    expect(await output(tool.bytes)).toHaveLength(30000);
  });

  test.each([
    [
      'echo some; echo "first" >&2; echo "tool: error: bad" >&2; exit 3',
      'PG_DUMP_DIED',
      'tool failed with exit code 3: first; tool: error: bad',
    ],
    ['kill -KILL $$', 'PG_DUMP_DIED', 'tool was killed by SIGKILL'],
    ['echo "canceling statement due to lock timeout" >&2; exit 1', 'PG_LOCKED', 'lock timeout'],
    [
      'echo "query would be affected by row-level security policy" >&2; exit 1',
      'PG_ROW_SECURITY',
      'row-level',
    ],
    ['echo "permission denied for table x" >&2; exit 1', 'PG_PERMISSION', 'table x'],
    ['echo "aborting because of server version mismatch" >&2; exit 1', 'PG_DUMP_OLD', 'mismatch'],
    ['echo "invalid snapshot identifier" >&2; exit 1', 'PG_SNAPSHOT_LOST', 'snapshot'],
  ])('tells how it ended: %s', async (script, code, message) => {
    await expect(output(shell(script).bytes)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  test('a program that is not there', async () => {
    const tool = startTool(
      { name: 'tool', file: '/nonexistent/tool', args: [], env: {}, died: toolDied },
      never,
    );
    await expect(output(tool.bytes)).rejects.toThrow(
      'tool could not be started (spawn /nonexistent/tool ENOENT)',
    );
    await tool.stop();
  });

  test('stop ends a tool that nobody reads, even one that ignores SIGTERM', async () => {
    const tool = shell('trap "" TERM; while :; do echo x; done');
    await sleep(100);
    const started = Date.now();
    await tool.stop();
    expect(Date.now() - started).toBeLessThan(9000);
    await tool.stop();
  }, 15_000);

  test('an abort ends the tool; the reason is told', async () => {
    const controller = new AbortController();
    const tool = shell('echo ready; exec sleep 60', controller.signal);
    const reading = output(tool.bytes);
    await sleep(100);
    controller.abort();
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED', exitCode: 130 });
    expect(() => shell('true', controller.signal)).toThrow('cancelled');
  });
});
