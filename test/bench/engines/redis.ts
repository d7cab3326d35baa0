/** Redis: a backup of a million keys against `redis-cli --rdb`, which writes the server's own file and nothing else. */
import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { locateOrThrow } from '../../services/packages.ts';
import type { Daemon } from '../../services/processes.ts';
import {
  freePort,
  runTool,
  startDaemon,
  unprivilegedUser,
  waitUntilReady,
  withFreshPorts,
} from '../../services/processes.ts';
import type { Bench } from '../bench.ts';
import { HOLDFAST } from '../peers/holdfast.ts';
import type { Field, OpenStall } from './engine.ts';
import { engineStep, note, openHoldfast, openStalls, REDIS_RDB } from './engine.ts';
import { Random } from './random.ts';

/** At scale 1. */
const KEYS = 1_000_000;

export async function redis(bench: Bench): Promise<void> {
  const { folder: home, env, dataset } = bench.large.options;
  const folder = join(home, 'redis-bench');
  await mkdir(folder);
  const { daemon, port } = await withFreshPorts(() => startServer(folder));
  try {
    const keys = Math.round(KEYS * dataset.scale);
    await fill(port, keys);
    bench.say(`redis: ${String(keys)} keys`);
    const field: Field = { bench, folder, env: { ...env, HOME: folder }, serverPid: daemon.pid };
    for (let round = 0; round < bench.rounds; round++) {
      const stalls = await openStalls(field, contestants(field, port), round);
      for (const what of ['redis/first', 'redis/unchanged'])
        for (const stall of stalls) await note(field, { what, round, stall, command: stall.backup });
    }
  } finally {
    await daemon.stop();
  }
}

async function startServer(folder: string): Promise<{ daemon: Daemon; port: number }> {
  const data = join(folder, 'data');
  await mkdir(data, { recursive: true });
  const user = unprivilegedUser();
  if (user) await chown(data, user.uid, user.gid);
  const port = await freePort();
  const settings = {
    ...{ port: String(port), bind: '127.0.0.1', dir: data, save: '', appendonly: 'no' },
    // The server waits 5 s for further replicas otherwise, and all that is measured would be this.
    'repl-diskless-sync-delay': '0',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  const logFile = join(folder, 'redis.log');
  const daemon = await startDaemon(locateOrThrow('redis-server'), args, { logFile, user });
  const ping = () => runTool(locateOrThrow('redis-cli'), ['-p', String(port), 'PING']).catch(() => '');
  await waitUntilReady('redis', daemon, async () => (await ping()).trim() === 'PONG');
  return { daemon, port };
}

/** Sessions, carts and rankings, the same every time; some of them end in a month. */
async function fill(port: number, keys: number): Promise<void> {
  const child = spawn(locateOrThrow('redis-cli'), ['-p', String(port), '--pipe'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdin.on('error', () => undefined);
  for (const piece of commands(keys))
    if (!child.stdin.write(piece)) await Promise.race([once(child.stdin, 'drain'), ended]);
  child.stdin.end();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`redis-cli --pipe ended with ${String(code)}`);
}

function* commands(keys: number): Generator<string> {
  const random = new Random(11);
  let text = '';
  for (let number = 0; number < keys; number++) {
    text += command(keyOf(number, random));
    if (text.length < 1 << 18) continue;
    yield text;
    text = '';
  }
  yield text;
}

function keyOf(number: number, random: Random): readonly string[] {
  const user = random.below(100_000);
  switch (number % 10) {
    case 7:
    case 8:
      return [
        'HSET',
        `cart:${String(number)}`,
        'user',
        String(user),
        'thing',
        random.words(3),
        'note',
        random.words(8),
      ];
    case 9:
      return ['ZADD', `ranks:${String(number)}`, String(user), random.name(), '1', random.words(2)];
    default: {
      const session = `{"user":${String(user)},"csrf":"${random.hex(32)}","path":"/${random.words(2)}"}`;
      const ends = number % 2 === 0 ? ['EX', '2592000'] : [];
      return ['SET', `session:${random.hex(16)}${String(number)}`, session, ...ends];
    }
  }
}

/** As the server's protocol has it (RESP). */
function command(words: readonly string[]): string {
  const parts = words.map((word) => `$${String(Buffer.byteLength(word))}\r\n${word}\r\n`);
  return `*${String(words.length)}\r\n${parts.join('')}`;
}

function contestants(field: Field, port: number): Readonly<Record<string, OpenStall>> {
  return {
    [HOLDFAST]: async (folder) => {
      const source = ['--source', 'redis', '--url', `redis://127.0.0.1:${String(port)}`];
      const { stored, command: ours } = await openHoldfast(field, folder, source);
      return { name: HOLDFAST, stored, backup: ours(['backup', '--json']) };
    },
    [REDIS_RDB]: async (folder) => {
      const stored = join(folder, 'files');
      await mkdir(stored);
      const variables = { PORT: String(port), FILE: join(stored, 'dump.rdb') };
      return {
        name: REDIS_RDB,
        stored,
        backup: engineStep(field.env, folder, 'redis-rdb', variables),
      };
    },
  };
}
