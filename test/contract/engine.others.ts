/** The engines that do not speak SQL: Redis, and folders of files. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { removePaths } from '../integration/files-erased-kit.ts';
import { describeTree, run, settleNames, settleTimes } from '../integration/files-kit.ts';
import { expectComplaint } from '../services/complaint.ts';
import { committedIn, folderPlace, makeHost } from '../services/machines.ts';
import { startRedis } from '../services/redis.ts';
import type { RedisServer } from '../services/redis.ts';
import { tempFolder } from '../services/temp.ts';
import { ACCOUNTS } from './engine.contract.ts';
import type { Bank, Engine, EngineSubject } from './engine.subject.ts';

const ITEMS = 12_000;
const CUSTOMERS = 200;
const PERSON = 7;
const MARK = `mark-of-${PERSON}-only`;

/** A server of its own, of which the second database is used too. */
export const redisSubject: EngineSubject = {
  open: async () => openRedis(`${orders(0, ITEMS)}\nSELECT 1\nSET currency CAD`),
  openEmpty: async () => openRedis(''),
  openBank: redisBank,
  cannot: {},
};

function orders(from: number, count: number): string {
  return numbers(from, count).map(order).join('\n');
}

function order(id: number): string {
  const owner = id % CUSTOMERS;
  const note = owner === PERSON ? MARK : 'note';
  return `HSET order:${owner}:${id} note "${note} ${digest(id)}" more ${digest(-id)}`;
}

async function openRedis(commands: string): Promise<Engine> {
  const server = await startRedis();
  if (commands !== '') await server.cli(commands);
  const servers = new Map([[server.url, server]]);
  const at = (url: string): RedisServer => servers.get(url) ?? server;
  const start = async (): Promise<RedisServer> => {
    const other = await startRedis();
    servers.set(other.url, other);
    return other;
  };
  return {
    source: ['--source', 'redis', '--url-env', 'SHOP_URL'],
    env: { SHOP_URL: server.url },
    secrets: [server.password, encodeURIComponent(server.password)],
    live: server.url,
    content: () => server.digest(),
    contentOf: (to) => at(to).digest(),
    contentOfScript: async (script) => {
      const copy = await startRedis();
      await copy.cli(script);
      return copy.digest();
    },
    change: async () => {
      await server.cli(orders(ITEMS + PERSON, 2));
    },
    newTarget: async () => (await start()).url,
    quietTarget: async () => {
      const { port, password } = await start();
      return { args: ['--to', `redis://127.0.0.1:${port}`], env: { REDISCLI_AUTH: password } };
    },
    occupiedTarget: async () => {
      const taken = await start();
      await taken.cli('SELECT 1\nSET currency mine');
      return taken.url;
    },
    exists: async (to) => (await at(to).count('db0')) + (await at(to).count('db1')) > 0,
    parts: { chosen: 'db1', other: 'db0', args: ['--table', 'db1'] },
    count: (where, database) => at(where).count(database),
    person: {
      map: `version: 1
subject: customer
root: { table: subjects, key: id }
tables:
  subjects: { erase: delete }
  db0: { keys: ['order:{id}:*'], erase: delete }
  db1: { no_personal_data: true }
`,
      name: `customer=${PERSON}`,
      mark: MARK,
      erase: async () => {
        const keys = numbers(0, ITEMS + CUSTOMERS).filter((id) => id % CUSTOMERS === PERSON);
        await server.cli(`DEL ${keys.map((id) => `order:${PERSON}:${id}`).join(' ')}`);
      },
    },
    breakDumps: async () => {
      const port = await throughShortLine(server.port, 300_000);
      return { SHOP_URL: server.url.replace(/:\d+$/, `:${port}`) };
    },
  };
}

/** A port that leads to another one, and lets no more than so many bytes through from there. */
async function throughShortLine(to: number, bytes: number): Promise<number> {
  const line = createServer((inside) => {
    const outside = connect(to, '127.0.0.1');
    let left = bytes;
    inside.pipe(outside);
    outside.on('data', (chunk: Buffer) => {
      inside.write(chunk.subarray(0, Math.max(left, 0)));
      left -= chunk.length;
      if (left <= 0) inside.destroy();
    });
    for (const each of [inside, outside]) each.on('error', () => undefined);
    inside.on('close', () => outside.destroy());
    outside.on('close', () => inside.destroy());
  }).listen(0, '127.0.0.1');
  await once(line, 'listening');
  onTestFinished(() => void line.close());
  return (line.address() as AddressInfo).port;
}

async function redisBank(): Promise<Bank> {
  const accounts = numbers(1, ACCOUNTS).flatMap((id) => [`SET checking:${id} 100`, `SET savings:${id} 100`]);
  const engine = await openRedis(
    [...accounts, orders(0, ITEMS), 'SET journal 0', 'SET transfers 0'].join('\n'),
  );
  const servers = new Map<string, RedisServer>();
  const { env, source, live } = engine;
  const server = await redisOf(live);
  let isOver = false;
  const write = async () => {
    while (!isOver) await server(numbers(0, 50).map(transfer).join('\n'));
  };
  return {
    source,
    env,
    newTarget: async () => {
      const target = await startRedis();
      servers.set(target.url, target);
      return target.url;
    },
    startWriters: () => {
      const running = Promise.all([write(), write()]);
      running.catch(() => undefined); // Said by `stop`.
      return {
        stop: async () => {
          isOver = true;
          await running;
        },
      };
    },
    booksOf: async (to) => {
      const said = await (servers.get(to)?.cli(SUMS) ?? '');
      const [checking = 0, savings = 0, journal = 0, transfers = 0] = said.trim().split('\n').map(Number);
      return { total: checking + savings, half: checking, journal: journal + ACCOUNTS * 100, transfers };
    },
  };
}

/** What feeds commands to a server whose address is known. */
async function redisOf(url: string): Promise<(commands: string) => Promise<string>> {
  const { redisCli } = await import('../services/redis.ts');
  const { port, password } = new URL(url);
  return redisCli(Number(port), decodeURIComponent(password));
}

/** A script is one transaction. */
function transfer(): string {
  const account = () => 1 + Math.floor(Math.random() * ACCOUNTS);
  const amount = Math.floor(Math.random() * 100) - 50;
  const steps = [
    `redis.call('INCRBY', 'checking:${account()}', ${amount})`,
    `redis.call('INCRBY', 'savings:${account()}', ${-amount})`,
    `redis.call('INCRBY', 'journal', ${amount})`,
    "redis.call('INCR', 'transfers')",
  ];
  return `EVAL "${steps.join(' ')}" 0`;
}

const SUMS = ['checking', 'savings']
  .map(
    (half) =>
      `EVAL "local sum = 0 for id = 1, ${ACCOUNTS} do sum = sum + redis.call('GET', '${half}:' .. id) end return sum" 0`,
  )
  .concat('GET journal', 'GET transfers')
  .join('\n');

/** A folder. */
export const filesSubject: EngineSubject = {
  open: () => openFiles(600),
  openEmpty: () => openFiles(0),
  openBank: () => Promise.reject(new Error('files have no moments')),
  cannot: {
    moment: {
      because:
        'files are read one after the other, and no two of them of one moment; which ones changed while they were read is said',
      shown: changedMeanwhile,
    },
    death: {
      because:
        'no program that could die stands between a folder and its backup; one that is gone makes no snapshot',
      shown: folderGone,
    },
  },
};

const FILES_MAP = `version: 1
subject: customer
root: { table: subjects, key: id }
tables:
  subjects: { erase: delete }
  files: { paths: ['customers/{id}.txt', 'orders/*-of-{id}.txt'], erase: delete }
`;

/** Orders carry the number of their owner in their name; those of a day lie together. */
function nameOf(part: string, id: number): string {
  return part === 'orders' ? `orders/${id}-of-${id % CUSTOMERS}.txt` : `${part}/${id}.txt`;
}

function contentOf(part: string, id: number): string {
  const owner = part === 'orders' ? id % CUSTOMERS : id;
  return (owner === PERSON ? `${MARK} ` : '') + digest(id).repeat(100);
}

async function openFiles(count: number): Promise<Engine> {
  const root = join(await tempFolder('uploads'), 'uploads');
  await mkdir(root);
  if (count > 0) for (const part of ['orders', 'customers']) await mkdir(join(root, part));
  const put = (from: number, many: number, part: string) =>
    Promise.all(
      numbers(from, many).map((id) => writeFile(join(root, nameOf(part, id)), contentOf(part, id))),
    );
  if (count > 0) {
    await put(0, count, 'orders');
    await put(0, 20, 'customers');
  }
  await settleTimes(root);
  return {
    source: ['--source', 'files', '--path', root],
    env: {},
    secrets: [],
    live: root,
    content: () => describeTree(root),
    contentOf: (to) => describeTree(to),
    contentOfScript: async (script) => {
      const folder = await tempFolder('loaded');
      const [file, out] = [join(folder, 'files.tar'), join(folder, 'out')];
      await mkdir(out);
      await writeFile(file, script);
      await run('tar', ['-xpf', file, '-C', out]);
      return describeTree(out);
    },
    change: async () => {
      await put(count, 5, 'orders');
      await settleNames(root, ['orders', ...numbers(count, 5).map((id) => nameOf('orders', id))]);
    },
    newTarget: async () => join(await tempFolder('target'), 'restored'),
    quietTarget: () => Promise.resolve({ args: [], env: {} }),
    occupiedTarget: async () => {
      const taken = await tempFolder('taken');
      await writeFile(join(taken, 'mine'), 'mine');
      return taken;
    },
    exists: (to) => Promise.resolve(existsSync(to)),
    parts: { chosen: 'customers', other: 'orders', args: ['--path', 'customers'] },
    count: async (where, part) => (await readdir(join(where, part)).catch(() => [])).length,
    person: {
      map: FILES_MAP,
      name: `customer=${PERSON}`,
      mark: MARK,
      erase: () => removePaths(root, theirs(count + 5)),
    },
    breakDumps: async () => {
      await rename(root, `${root}-gone`);
      return {};
    },
  };
}

function theirs(orders: number): string[] {
  const own = numbers(0, orders).filter((id) => id % CUSTOMERS === PERSON);
  return [nameOf('customers', PERSON), ...own.map((id) => nameOf('orders', id))];
}

async function changedMeanwhile(): Promise<void> {
  const { source, env, live } = await openFiles(100);
  const large = join(live, 'orders/large.log');
  await writeFile(large, Buffer.alloc(40_000_000, 'a line of a log\n'));
  const host = await makeHost({ place: await folderPlace(), source, env });
  let isOver = false;
  const writing = (async () => {
    while (!isOver) await appendFile(large, 'one more line\n');
  })();
  const { stderr } = await host.good(['backup']);
  isOver = true;
  await writing;
  expect(stderr).toMatch(/changed while being read, and may be of no single moment: .*orders\/large\.log/);
}

async function folderGone(): Promise<void> {
  const { source, env, live } = await openFiles(20);
  const host = await makeHost({ place: await folderPlace(), source, env });
  await host.good(['backup']);
  const before = await committedIn(host.place);
  await rm(live, { recursive: true });
  expectComplaint(await host.run(['backup']), { exit: 1, error: /cannot open the folder/, hint: /mount/ });
  expect(await committedIn(host.place)).toEqual(before);
}

function digest(number: number): string {
  return createHash('md5').update(String(number)).digest('hex');
}

function numbers(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}
