/** Goal: keys of a person, known by their patterns, go from every snapshot of a Redis server, and do not come back. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fillAwkward } from '../integration/redis-kit.ts';
import { backUp, folderPlace, makeHost } from '../services/machines.ts';
import { startRedis } from '../services/redis.ts';
import { giveMap } from '../services/subject-map.ts';

const MAP = `version: 1
subject: user
root: { table: subjects, key: id }
tables:
  subjects: { erase: delete }
  db0: { keys: ['session:{id}:*', 'user:{id}', 'cart/*/{id}'], erase: delete }
  db3: { keys: ['user:{id}'], erase: delete }
  db15: { no_personal_data: true }
`;

async function cache() {
  const server = await startRedis();
  await fillAwkward(server, 3000);
  await server.cli(
    [
      ...[
        'SET user:7 "{\\"mail\\":\\"seven@example.org\\"}"',
        'SET user:71 other',
        'HSET cart/eu/7 a 1',
        'SET cart/7/8 x',
      ],
      ...[
        'SET session:77:7 other',
        'SET xsession:7:1 other',
        'SELECT 3',
        'SET user:7 again',
        'SET user:8 other',
      ],
    ].join('\n'),
  );
  const host = await makeHost({
    place: await folderPlace(),
    source: ['--source', 'redis', '--url-env', 'CACHE_URL'],
    env: { CACHE_URL: server.url },
  });
  const reader = await host.reader();
  for (const machine of [host, reader]) await giveMap(machine, MAP);
  return { server, host, reader };
}

const THEIRS = /^(session:7:.*|user:7|cart\/[^/]*\/7)$/;

test('what is restored is what was, without their keys', { timeout: 240_000 }, async () => {
  const { server, host, reader } = await cache();
  expect((await host.good(['subjects', 'check', 'shop'])).stdout).toContain('0 problems, 0 warnings');
  const first = await backUp(host);
  await server.cli('SET session:7:late 1\nSET session:8:late 1');
  await backUp(host);

  const keys = (await server.cli('KEYS *')).split('\n').filter((key) => THEIRS.test(key));
  expect(keys.length).toBe(60 + 3);
  // A root that no snapshot has leads to nobody, which must not look like somebody who is gone.
  const map = join(reader.folder, 'map.yaml');
  await writeFile(map, MAP.replaceAll('subjects', 'people'));
  const lost = await reader.run(['purge', 'plan', 'shop', '--subject', 'user=7', '-o', 'lost.pgp']);
  expect(lost).toMatchObject({ exitCode: 7 });
  expect(lost.stderr).toMatch(/error: .*no snapshot has the table people/);
  await writeFile(map, MAP);
  const planned = await reader.good(['purge', 'plan', 'shop', '--subject', 'user=7', '-o', 'plan.pgp']);
  expect(planned.stdout).toContain(`db0 ${keys.length} deleted`);
  expect(planned.stdout).toContain('db3 1 deleted');
  const applied = await reader.good(['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json', '--json']);
  expect(applied.json.at(-1)).toMatchObject({ type: 'summary', complete: true });

  await server.cli(`DEL ${keys.join(' ')}\nSELECT 3\nDEL user:7`);
  const latest = await startRedis();
  await reader.good(['restore', 'shop', '--to', latest.url]);
  expect(await latest.digest()).toBe(await server.digest());
  const oldest = await startRedis();
  await reader.good(['restore', `shop@${first.snapshot}`, '--to', oldest.url]);
  await server.cli('DEL session:8:late');
  expect(await oldest.digest()).toBe(await server.digest());

  const { json } = await reader.good(['verify', '--read-data', '--json']);
  expect(json.at(-1)).toMatchObject({ problems: 0 });
  await reader.good(['purge', 'verify', 'receipt.json']);

  // The next backup says that they are back, and a restore leaves them out.
  await server.cli('SET user:7 back');
  const again = await host.good(['backup']);
  expect(again.stderr).toContain('1 subject whom purge');
  const filtered = await startRedis();
  await reader.good(['restore', 'shop', '--to', filtered.url]);
  expect((await filtered.cli('EXISTS user:7')).trim()).toBe('0');
  expect((await filtered.cli('EXISTS user:8')).trim()).toBe('0');
  expect((await filtered.cli('EXISTS session:8:8')).trim()).toBe('1');

  const chosen = await reader.good(['cat', 'shop', '--match', 'user:7*']);
  expect(chosen.stdout).toContain('RESTORE "user:71" ');
  expect(chosen.stdout).not.toContain('RESTORE "user:7" ');
  const file = join(reader.folder, 'copy.rdb');
  await reader.good(['restore', 'shop', '--to', file]);
  const inFile = await readFile(file, 'latin1');
  expect(inFile).toContain('user:71');
  expect(inFile).not.toMatch(/user:7[^1]/);

  // Under other policies no snapshot has them.
  const policy = async (onPurged: string) => {
    const config = await readFile(join(host.folder, 'holdfast.yaml'), 'utf8');
    const others = config.replace(/^ +on_purged: .*\n/m, '');
    await writeFile(
      join(host.folder, 'holdfast.yaml'),
      others.replace(/^( +)(subjects: map.yaml)$/m, `$1$2\n$1on_purged: ${onPurged}`),
    );
  };
  await policy('refuse');
  expect((await host.run(['backup'])).stderr).toContain('whom purge');
  await policy('filter');
  expect((await host.good(['backup'])).stderr).toContain('1 rows left out');
  const script = await reader.good(['cat', 'shop', '--table', 'db0'], { encoding: 'latin1' });
  expect(script.stdout).not.toContain('RESTORE "user:7" ');
  expect(script.stdout).toContain('RESTORE "user:71" ');
});
