/** Dumps of real Redis servers: whole, of one moment, the same next day, and loadable by redis-cli alone. */
import { chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { redisSource } from '../../src/sources/redis/source.ts';
import { splitRestore } from '../../src/rows/redis-restore-codec.ts';
import { unquoted } from '../../src/rows/redis-quote.ts';
import { makeCertificate } from '../services/certificates.ts';
import { freePort } from '../services/processes.ts';
import { startRedis, type RedisServer } from '../services/redis.ts';
import { tempFolder } from '../services/temp.ts';
import { SIGNAL } from '../services/world.ts';
import { AWKWARD, cliQuoted, dumpOf, fillAwkward, rowsOf, type DumpedStream } from './redis-kit.ts';

let awkward: RedisServer;
let dumped: readonly DumpedStream[];

beforeAll(async () => {
  awkward = await startRedis();
  await fillAwkward(awkward);
  // A table of keys that has just grown is being put in order still.
  await sleep(1000);
  dumped = await dumpOf(awkward.url);
});

test('the dump has functions first and a stream for each database that holds keys', () => {
  expect(dumped.map(({ name, section, dialect }) => [name, section, dialect])).toEqual([
    ['pre-data', 'pre-data', 'sql'],
    ['db0', 'data', 'redis-restore'],
    ['db3', 'data', 'redis-restore'],
    ['db15', 'data', 'redis-restore'],
  ]);
  expect(dumped[2]?.bytes.toString('latin1', 0, 9)).toBe('SELECT 3\n');
});

test('joined, it is a script that redis-cli alone loads into an equal server', async () => {
  const copy = await startRedis();
  const said = await copy.cli(Buffer.concat(dumped.map(({ bytes }) => bytes)));
  expect(new Set(said.split('\n'))).toEqual(new Set(['mylib', 'OK']));
  expect(await copy.digest()).toBe(await awkward.digest());
});

test('each row is what DUMP gives, where the server compresses nothing', async () => {
  const plain = await startRedis({ settings: { rdbcompression: 'no' } });
  await fillAwkward(plain, 20);
  const [, db0] = await dumpOf(plain.url);
  if (!db0) throw new Error('no db0');
  expect(rowsOf(db0).length).toBe(await plain.count('db0'));
  for (const line of rowsOf(db0)) {
    const row = Buffer.from(`${line}\n`, 'latin1');
    const parts = splitRestore(row, 0, row.length);
    const key = parts && unquoted(row, parts.keyStart, parts.keyEnd);
    const payload = parts && unquoted(row, parts.payloadStart, parts.payloadEnd);
    if (!key || !payload) throw new Error(`no row: ${line.slice(0, 80)}`);
    // DEBUG-free comparison: the server itself finds out whether it would restore the same bytes.
    const said = await plain.cli(
      `EVAL "return redis.call('DUMP', KEYS[1]) == ARGV[1]" 1 ${cliQuoted(key)} ${cliQuoted(payload)}`,
    );
    expect(said.trim(), line.slice(0, 80)).toBe('1');
  }
});

test('compressed strings are written out: the rows are those of a server that compresses nothing', async () => {
  const plain = await startRedis({ settings: { rdbcompression: 'no' } });
  await plain.cli(Buffer.concat(dumped.map(({ bytes }) => bytes)));
  const others = await dumpOf(plain.url);
  const sorted = (streams: readonly DumpedStream[]) => streams.map((stream) => rowsOf(stream).sort());
  // Sets and hashes of many members lie in another order in another server; all else is equal to the byte.
  const stable = (rows: string[]) =>
    rows.filter((row) => !/^RESTORE "(bigset|bighash|bigzset|set)"/.test(row));
  const differing = sorted(others).flatMap((rows, index) => {
    const expected = new Set(sorted(dumped)[index]);
    return stable(rows)
      .filter((row) => !expected.has(row))
      .map((row) => row.slice(0, 200));
  });
  expect(differing).toEqual([]);
  expect(dumped[1]?.bytes.includes('repeated_text_repeated_text_repeated_text_')).toBe(true);
});

test('nothing changed, nothing differs: two days are equal to the byte', async () => {
  const again = await dumpOf(awkward.url);
  const same = again.map(({ bytes }, index) => bytes.equals(dumped[index]?.bytes ?? Buffer.alloc(0)));
  expect(same).toEqual([true, true, true, true]);
});

test('one moment is dumped, whatever is written meanwhile', async () => {
  const server = await startRedis({ settings: { 'repl-diskless-sync': 'yes' } });
  await server.cli(`MSET a 0 b 0\n${AWKWARD}`);
  let isOver = false;
  let seen = -1;
  const writing = (async () => {
    while (!isOver) await server.cli('MULTI\nINCR a\nINCR b\nEXEC\n'.repeat(50));
  })();
  for (let round = 0; round < 5; round += 1) {
    const [, db0] = await dumpOf(server.url);
    const copy = await startRedis();
    await copy.cli(db0?.bytes ?? '');
    const [, a, b] = /^(\d+)\n(\d+)/.exec(await copy.cli('MGET a b')) ?? [];
    expect(a).toBe(b);
    expect(Number(a)).toBeGreaterThan(seen);
    seen = Number(a);
    await copy.stop();
  }
  isOver = true;
  await writing;
});

test.each([
  ['to a file first', { 'repl-diskless-sync': 'no' }],
  ['without checksums', { rdbchecksum: 'no' }],
  ['with an eviction policy, which adds facts to keys', { 'maxmemory-policy': 'allkeys-lfu' }],
  ['with idle times', { 'maxmemory-policy': 'allkeys-lru' }],
])('a server that dumps %s', async (_, settings: Record<string, string>) => {
  const server = await startRedis({ settings });
  await fillAwkward(server, 50);
  const streams = await dumpOf(server.url);
  const copy = await startRedis();
  await copy.cli(Buffer.concat(streams.map(({ bytes }) => bytes)));
  expect(await copy.digest()).toBe(await server.digest());
});

test('an empty server is an empty dump', async () => {
  const server = await startRedis();
  expect(await dumpOf(server.socketUrl)).toMatchObject([{ name: 'pre-data', bytes: Buffer.alloc(0) }]);
});

test('probe and schema say what there is', async () => {
  const source = redisSource({ url: awkward.url, env: {} });
  const info = await source.probe(SIGNAL);
  expect(info).toMatchObject({ kind: 'redis', warnings: [], facts: { flavour: 'redis', role: 'master' } });
  expect(info.serverVersion).toMatch(/^\d+\.\d+\.\d+$/);
  expect(JSON.stringify(info)).not.toContain(awkward.password);
  const { tables } = await source.schema(SIGNAL);
  expect(tables.map(({ name }) => name)).toEqual(['subjects', 'db0', 'db3', 'db15']);
});

test('over TLS, only with a server that the authority vouches for', async () => {
  const folder = await tempFolder('tls');
  const { caFile, certificateFile, keyFile } = await makeCertificate(folder);
  // The server runs as somebody else.
  await chmod(folder, 0o755);
  await chmod(keyFile, 0o644);
  const tlsPort = await freePort();
  const server = await startRedis({
    settings: {
      'tls-port': String(tlsPort),
      'tls-ca-cert-file': caFile,
      'tls-cert-file': certificateFile,
      'tls-key-file': keyFile,
      'tls-auth-clients': 'optional',
    },
  });
  await fillAwkward(server, 20);
  const plain = await dumpOf(server.url);
  const url = `rediss://:${encodeURIComponent(server.password)}@localhost:${tlsPort}`;
  const sealed = await dumpOf(`${url}?tls-ca=${encodeURIComponent(caFile)}`);
  expect(sealed.map(({ name, bytes }) => [name, bytes.length])).toEqual(
    plain.map(({ name, bytes }) => [name, bytes.length]),
  );
  await expect(dumpOf(url)).rejects.toMatchObject({ code: 'REDIS_UNREACHABLE' });
});

describe('refused with the reason', () => {
  const failure = async (url: string) => {
    const error = await dumpOf(url).then(
      () => undefined,
      (thrown: unknown) => thrown as Error & { readonly code: string },
    );
    expect(`${error?.message ?? ''}${error?.stack ?? ''}`).not.toContain(awkward.password);
    return error;
  };

  test('a wrong password, and none', async () => {
    expect((await failure(`redis://:wrong@127.0.0.1:${awkward.port}`))?.code).toBe('REDIS_LOGIN');
    expect((await failure(`redis://127.0.0.1:${awkward.port}`))?.code).toBe('REDIS_LOGIN');
  });

  test('nobody there, and somebody else', async () => {
    expect((await failure('redis://127.0.0.1:1'))?.code).toBe('REDIS_UNREACHABLE');
    const port = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect((await failure(`redis://127.0.0.1:${port}`))?.code).toBe('REDIS_UNREACHABLE');
  });

  test('a user without the right', async () => {
    await awkward.cli('ACL SETUSER little on >little-secret +info');
    const error = await failure(`redis://little:little-secret@127.0.0.1:${awkward.port}`);
    expect(error?.code).toBe('REDIS_PRIVILEGE');
    await awkward.cli('ACL SETUSER little +sync +replconf');
    expect(await failure(`redis://little:little-secret@127.0.0.1:${awkward.port}`)).toBeUndefined();
  });

  test('a dump that is cut off, at any byte', async () => {
    for (const limit of [0, 100, 900, 5000, 20_000]) {
      // Between us and the server, somebody who lets only so many bytes through.
      const port = await listen((socket) => {
        const upstream = connect(awkward.port, '127.0.0.1');
        let left = limit + 12_000;
        socket.pipe(upstream);
        upstream.on('data', (chunk: Buffer) => {
          socket.write(chunk.subarray(0, left));
          left -= chunk.length;
          if (left <= 0) socket.destroy();
        });
        for (const each of [socket, upstream]) each.on('error', () => undefined);
        socket.on('close', () => upstream.destroy());
      });
      const login = awkward.url.replace(/:\d+$/, `:${port}`);
      expect((await failure(login))?.code).toMatch(/^REDIS_(DUMP_CUT|UNREACHABLE)$/);
    }
  });

  test('a server that ends in the middle', async () => {
    const server = await startRedis({ settings: { 'rdb-key-save-delay': '2000' } });
    await fillAwkward(server);
    const dumping = failure(server.url);
    await sleep(500);
    await server.stop();
    expect((await dumping)?.code).toMatch(/^REDIS_(DUMP_CUT|UNREACHABLE)$/);
  });
});

test('a cancelled dump ends at once', async () => {
  const server = await startRedis({ settings: { 'rdb-key-save-delay': '5000' } });
  await fillAwkward(server);
  const controller = new AbortController();
  const dumping = dumpOf(server.url, controller.signal).catch((error: unknown) => error);
  await sleep(400);
  const startedMs = performance.now();
  controller.abort();
  expect(await dumping).toMatchObject({ code: 'CANCELLED' });
  expect(performance.now() - startedMs).toBeLessThan(1000);
});

async function listen(onSocket: (socket: import('node:net').Socket) => void): Promise<number> {
  const server = createServer(onSocket).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return (server.address() as AddressInfo).port;
}
