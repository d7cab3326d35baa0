/** A Redis server with every kind of value goes out through holdfast alone, and comes back the same. */
import { startRedis, type RedisServer } from '../services/redis.ts';
import { endToEnd } from './end-to-end.kit.ts';
import type { Database } from './end-to-end.kit.ts';
import { fillAwkward } from './redis-kit.ts';

const A_DAY = [
  'SET plain changed',
  'DEL hash',
  'HSET bighash f7 other',
  'SET newcomer 1 EX 100000',
  'SELECT 3',
  'SET another day',
].join('\n');

async function openAwkward(): Promise<Database> {
  const server = await startRedis();
  await fillAwkward(server, 4000);
  const servers = new Map<string, RedisServer>([[server.url, server]]);
  const at = (url: string): RedisServer => {
    const found = servers.get(url);
    if (!found) throw new Error('no such server');
    return found;
  };
  return {
    source: ['--source', 'redis', '--url-env', 'CACHE_URL'],
    env: { CACHE_URL: server.url },
    secrets: [server.password, encodeURIComponent(server.password)],
    live: server.url,
    chosen: ['db3', 'db15'],
    other: 'db0',
    change: async () => {
      await server.cli(A_DAY);
    },
    content: () => server.digest(),
    contentOf: (to) => at(to).digest(),
    scriptContent: () => server.digest(),
    scriptEncoding: 'latin1',
    scriptContentOf: async (script) => {
      const copy = await startRedis();
      await copy.cli(Buffer.from(script, 'latin1'));
      return copy.digest();
    },
    rowsIn: (to, table) => at(to).count(table),
    newTarget: async () => {
      const target = await startRedis();
      servers.set(target.url, target);
      return target.url;
    },
    targetIs: 'empty',
    exists: async (to) => (await at(to).count('db0')) > 0,
  };
}

endToEnd(openAwkward);
