/** Goal: a secret arrives where it is needed and nowhere else. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { test as propertyTest, fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import type { Connection, PostgresSet } from '../../src/config/config.ts';
import { maskSecrets, Secret } from '../../src/config/secret.ts';
import { resolveSourceUrl } from '../../src/config/source-url.ts';
import { HoldfastError } from '../../src/errors.ts';
import { tempFolder } from '../services/temp.ts';

const URL = 'postgres://ada:geheim@db.example.com:5432/shop';

function set(connection: Connection): PostgresSet {
  return {
    name: 'shop',
    source: 'postgres',
    connection,
    keepDays: 30,
    keep: [{ name: 'daily', days: 30 }],
    fullEveryDays: 7,
    writer: 'db-1',
    expire: 'manual',
    replicas: [],
  };
}

/** A file with this mode, in a folder of its own. */
async function secretFile(content: string, mode: number): Promise<string> {
  const path = join(await tempFolder(), 'secret');
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

function command(...argv: string[]): PostgresSet {
  return set({ from: 'command', argv, folder: '/' });
}

describe('a Secret', () => {
  const secret = new Secret('geheim');
  test.each<[string, string]>([
    ['a template', String(secret)],
    ['a join', [secret, ''].join('')],
    ['JSON', JSON.stringify({ secret })],
    ['inspect', inspect({ secret }, { depth: 9, showHidden: true })],
    ['the entries of an object', JSON.stringify(Object.entries(secret))],
    ['an error', String(new Error(`cannot use ${secret as unknown as string}`))],
  ])('prints as stars in %s', (_, text) => {
    expect(text).not.toContain('geheim');
  });

  test('is revealed on demand only', () => {
    expect(secret.reveal()).toBe('geheim');
  });
});

describe('masking', () => {
  test.each([
    ['connect to postgres://ada:geheim@host/db failed', 'connect to postgres://ada:********@host/db failed'],
    ['postgres://ada:geh@eim@host/db', 'postgres://ada:********@host/db'],
    ['postgres://:geheim@host', 'postgres://:********@host'],
    ['host=h password=geheim user=u', 'host=h password=******** user=u'],
    ["host=h password='geh eim' user=u", 'host=h password=******** user=u'],
    [
      'postgres://host/db?password=geheim&sslmode=require',
      'postgres://host/db?password=********&sslmode=require',
    ],
    ['https://example.com:8080/path', 'https://example.com:8080/path'],
    ['see s3://bucket/prefix at 03:00', 'see s3://bucket/prefix at 03:00'],
  ])('%s', (text, masked) => {
    expect(maskSecrets(text)).toBe(masked);
  });

  // By a pattern over all of it, this would take days.
  test('a value of megabytes that a server quotes is looked through in no time', () => {
    const text = 'a://b:'.repeat(500_000);
    expect(maskSecrets(text)).toBe(text);
    expect(maskSecrets(`${text}@`)).toBe('a://b:********@');
  });

  propertyTest.prop([fc.stringMatching(/^[^\s'"`]{8,40}$/), fc.string(), fc.string()])(
    'no password of a URL survives, whatever stands around it',
    (password, before, after) => {
      const text = `${before} postgres://ada:${password}@db/shop ${after}`;
      expect(maskSecrets(text)).not.toContain(`:${password}@`);
    },
  );
});

describe('the URL of a source', () => {
  test('comes from the file, a variable, a secret file, a command, or is left to PG*', async () => {
    const read = (connection: Connection) => resolveSourceUrl(set(connection), { SHOP_URL: `${URL}\n` });
    expect(await read({ from: 'url', url: new Secret(URL) })).toBe(URL);
    expect(await read({ from: 'variable', variable: 'SHOP_URL' })).toBe(URL);
    expect(await read({ from: 'file', path: await secretFile(`${URL}\n`, 0o640) })).toBe(URL);
    expect(await read({ from: 'environment' })).toBe('postgres://');
    const print = command(process.execPath, '-e', 'console.log(process.env.U)');
    expect(await resolveSourceUrl(print, { U: URL })).toBe(URL);
  });

  test('a command sees the given environment only, and no shell', async () => {
    const print = command(
      process.execPath,
      '-p',
      '"postgres://" + process.argv[1] + process.env.PATH',
      '$HOME',
    );
    expect(await resolveSourceUrl(print, {})).toBe('postgres://$HOMEundefined');
  });

  test.each<[string, PostgresSet | (() => Promise<PostgresSet>), string, RegExp]>([
    [
      'a variable that is not set',
      set({ from: 'variable', variable: 'NOPE' }),
      'SECRET_UNSET',
      /set shop: url_env.*NOPE/,
    ],
    ['a file that is not there', set({ from: 'file', path: '/nope' }), 'SECRET_FILE', /no such file/],
    [
      'an empty file',
      async () => set({ from: 'file', path: await secretFile(' \n', 0o600) }),
      'SECRET_FILE',
      /empty/,
    ],
    ['a folder', async () => set({ from: 'file', path: await tempFolder() }), 'SECRET_FILE', /folder/],
    [
      'a file that is open to all',
      async () => set({ from: 'file', path: await secretFile(URL, 0o604) }),
      'SECRET_FILE_OPEN',
      /every user/,
    ],
    [
      'what is no URL',
      async () => set({ from: 'file', path: await secretFile('geheim', 0o600) }),
      'SOURCE_URL_INVALID',
      /url_file/,
    ],
    ['a program that is not there', command('no-such-program'), 'SECRET_COMMAND', /was not found/],
    [
      'a program that fails',
      command(process.execPath, '-e', 'console.log("geheim"); process.exit(3)'),
      'SECRET_COMMAND',
      /exit code 3/,
    ],
    [
      'a program that is killed',
      command(process.execPath, '-e', 'process.kill(process.pid, "SIGKILL")'),
      'SECRET_COMMAND',
      /SIGKILL/,
    ],
    [
      'a program that says nothing',
      command(process.execPath, '-e', '0'),
      'SECRET_COMMAND',
      /printed nothing/,
    ],
    [
      'a program that says too much',
      command(process.execPath, '-e', 'console.log("geheim".repeat(1e5))'),
      'SECRET_COMMAND',
      /more than 64 KiB/,
    ],
  ])('%s is refused without a word of its content', async (_, given, code, message) => {
    const source = typeof given === 'function' ? await given() : given;
    const error = await resolveSourceUrl(source, {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, exitCode: 2, message: expect.stringMatching(message) as string });
    expect(inspect(error, { depth: 9 })).not.toMatch(/geheim(?!["(])/);
  });

  test('a cancelled run starts no command', async () => {
    const folder = await tempFolder();
    await mkdir(join(folder, 'a'));
    const touch = set({ from: 'command', argv: ['rmdir', 'a'], folder });
    await expect(resolveSourceUrl(touch, process.env, AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    await expect(mkdir(join(folder, 'a'))).rejects.toThrow('EEXIST');
  });

  test('a command that hangs ends with the run', async () => {
    const controller = new AbortController();
    const hang = command(process.execPath, '-e', 'setTimeout(() => {}, 60000)');
    setTimeout(() => controller.abort(), 300);
    const error = await resolveSourceUrl(hang, {}, controller.signal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HoldfastError);
    expect(error).toMatchObject({ code: 'CANCELLED', exitCode: 130 });
  });
});
