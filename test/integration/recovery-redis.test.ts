/** A Redis backup comes back with gpg, zstd, a shell and redis-cli: no holdfast, no Node. */
import { afterAll, expect, test } from 'vitest';
import { redisSource } from '../../src/sources/redis/source.ts';
import { startRedis } from '../services/redis.ts';
import { SET, makeWorld } from '../services/world.ts';
import { endAgents, keyring, recover, toolFolder } from './recovery-kit.ts';
import { fillAwkward } from './redis-kit.ts';

afterAll(endAgents);

test('the script of recover.sh, loaded by redis-cli alone, makes an equal server', async () => {
  const server = await startRedis();
  await fillAwkward(server, 3000);
  const world = await makeWorld();
  await world.backup({}, { source: redisSource({ url: server.url, env: {} }) });

  const place = { store: world.root, tools: await toolFolder(), gnupg: await keyring([world.ops.armor()]) };
  const { code, stdout } = await recover([SET], place);
  expect(code).toBe(0);
  const copy = await startRedis();
  const said = await copy.cli(stdout);
  expect(new Set(said.split('\n'))).toEqual(new Set(['mylib', 'OK']));
  expect(await copy.digest()).toBe(await server.digest());
});
