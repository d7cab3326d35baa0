/** One URL, one server: for our own connections and for PostgreSQL's tools, as libpq would read it. */
import { chmod, writeFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/errors.ts';
import { pgConnection } from '../../src/sources/postgres/connection.ts';
import { findPassword } from '../../src/sources/postgres/passfile.ts';
import { readSettings } from '../../src/sources/postgres/settings.ts';
import { tlsAttempts } from '../../src/sources/postgres/tls.ts';
import { tempFolder } from '../services/temp.ts';

const HOME = { HOME: '/nonexistent' };

describe('pgConnection', () => {
  test.each([
    ['postgres://u@h:5433/db', 'postgresql://u@h:5433/db', 'h:5433/db'],
    ['postgresql://u:secret@h/db', 'postgresql://u@h:5432/db', 'h:5432/db'],
    ['postgres://u:p%40%3A%2f@h/db', 'postgresql://u@h:5432/db', 'h:5432/db'],
    ['postgres://a%40b@h/d%20b%2Fc%3F', 'postgresql://a%40b@h:5432/d%20b%2Fc%3F', 'h:5432/d b/c?'],
    ['postgres://u@[::1]:7/db', 'postgresql://u@[::1]:7/db', '::1:7/db'],
    ['postgres://u@h/', 'postgresql://u@h:5432/u', 'h:5432/u'],
    ['postgres:///db?host=/tmp/s&user=u&port=7', 'postgresql://u@/db?host=%2Ftmp%2Fs&port=7', '/tmp/s:7/db'],
    ['postgres://u@/db?host=/tmp/s', 'postgresql://u@/db?host=%2Ftmp%2Fs&port=5432', '/tmp/s:5432/db'],
    ['postgres://u@%2Ftmp%2Fs/db', 'postgresql://u@/db?host=%2Ftmp%2Fs&port=5432', '/tmp/s:5432/db'],
    [
      'postgres://u@h/db?sslmode=require&options=-c%20a%3Db',
      'postgresql://u@h:5432/db?sslmode=require&options=-c%20a%3Db',
      'h:5432/db',
    ],
    ['postgres://u@h/db?ssl=true', 'postgresql://u@h:5432/db?sslmode=require', 'h:5432/db'],
    ['postgres://u@h/db?password=secret', 'postgresql://u@h:5432/db', 'h:5432/db'],
    ['postgres://u:a@h/db?user=v&dbname=e&port=9', 'postgresql://v@h:9/e', 'h:9/e'],
  ])('reads %s', (url, libpqUrl, display) => {
    const connection = pgConnection(url, HOME);
    expect(connection).toMatchObject({ libpqUrl, display });
  });

  test('takes from PG* what the URL leaves out, and nothing else', () => {
    const env = { ...HOME, PGHOST: 'eh', PGPORT: '99', PGUSER: 'eu', PGDATABASE: 'ed', PGPASSWORD: 'ep' };
    expect(pgConnection('postgres://', env).libpqUrl).toBe('postgresql://eu@eh:99/ed');
    expect(pgConnection('postgres://u:p@h:1/d', env).libpqUrl).toBe('postgresql://u@h:1/d');
    expect(pgConnection('postgres://', env).env['PGPASSWORD']).toBe('ep');
    expect(pgConnection('postgres://u:p@h/d', env).env['PGPASSWORD']).toBe('p');
  });

  test.each(['postgres://u:hunter2@h/db', 'postgres://u@h/db?password=hunter2'])(
    'has the password of %s in the environment only',
    (url) => {
      const { env, ...rest } = pgConnection(url, HOME);
      expect(env['PGPASSWORD']).toBe('hunter2');
      expect(inspect(rest, { depth: 5 })).not.toContain('hunter2');
    },
  );

  test("gives the tools the caller's environment without this program's secrets", () => {
    const env = { ...HOME, PATH: '/bin', HOLDFAST_PASSPHRASE: 'x', PGSSLMODE: 'require', LANG: 'de_DE' };
    const given = pgConnection('postgres://u@h/d', env).env;
    expect(given).toEqual({ ...HOME, PATH: '/bin', PGSSLMODE: 'require', LANG: 'de_DE', LC_ALL: 'C' });
  });

  test('another database of the same server', () => {
    const other = pgConnection('postgres://u:p@h/d?sslmode=disable', HOME).withDatabase('x "y"/z');
    expect(other.libpqUrl).toBe('postgresql://u@h:5432/x%20%22y%22%2Fz?sslmode=disable');
    expect(other.database).toBe('x "y"/z');
    expect(other.env['PGPASSWORD']).toBe('p');
  });

  test.each([
    ['mysql://u:hunter2@h/d', 'does not start with postgres://'],
    ['host=h password=hunter2', 'does not start with postgres://'],
    ['postgres://u:hunter2@h:port/d', 'cannot be read'],
    ['postgres://u:hunter2@h:0/d', 'port'],
    ['postgres://u:hunter2@h:65536/d', 'port'],
    ['postgres://u:hunter2@h1,h2/d', 'several hosts'],
    ['postgres://u:hunter2%zz@h/d', '%'],
    ['postgres://u:hunter2@h/d?schema=public', 'unknown parameter "schema"'],
    ['postgres://u:hunter2@h/d?sslpassword=hunter2', 'sslpassword'],
    ['postgres://u:hunter2@h/d?service=s', 'service'],
    ['postgres://u:hunter2@h/d?sslmode', 'has no value'],
    ['postgres://u:hun@hunter2@h/d', 'an @ or a # behind the host'],
    ['postgres://u:hun@h/hunter2@h/d', 'an @ or a # behind the host'],
    ['postgres://u:12/hunter2@h/d', 'an @ or a # behind the host'],
    ['postgres://u:12?hunter2=1/x@h/d', 'an @ or a # behind the host'],
  ])('refuses %s and does not say the password', (url, message) => {
    const refusal = refusalOf(() => pgConnection(url, HOME));
    expect(refusal).toMatchObject({ code: 'PG_URL', exitCode: 2 });
    expect(refusal.message).toContain(message);
    expect(`${refusal.message} ${refusal.hint}`).not.toContain('hunter2');
  });

  test('refuses PGSERVICE, which only the tools would follow', () => {
    expect(() => pgConnection('postgres://', { ...HOME, PGSERVICE: 's' })).toThrow('PGSERVICE');
  });
});

describe('the passfile', () => {
  const who = { host: 'h', port: 5432, database: 'd', user: 'u' };

  test.each([
    ['h:5432:d:u:secret', 'secret'],
    ['*:*:*:*:any', 'any'],
    ['h:5433:d:u:no\nh:5432:*:u:yes', 'yes'],
    ['#h:5432:d:u:no\n\nh:5432:d:u:yes\nh:5432:d:u:later', 'yes'],
    ['h:5432:d:u:with:colon', 'with:colon'],
    ['h:5432:d:u:a\\:b\\\\c', 'a:b\\c'],
    ['h:5432:d:u:', undefined],
    ['h:5432:d', undefined],
    ['other:5432:d:u:no', undefined],
    ['localhost:5432:d:u:no', undefined],
    ['h:5432:d:u:windows\r\n', 'windows'],
    ['', undefined],
  ])('%j', (text, password) => {
    expect(findPassword(text, who)).toBe(password);
  });

  test('names with colons and backslashes are escaped', () => {
    expect(findPassword('\\:\\:1:5432:d\\\\:u:p', { ...who, host: '::1', database: 'd\\' })).toBe('p');
  });

  test('localhost stands for the default socket', () => {
    const text = 'localhost:*:*:*:p';
    expect(findPassword(text, { ...who, host: '/var/run/postgresql' })).toBe('p');
    expect(findPassword(text, { ...who, host: '/home/x' })).toBeUndefined();
  });

  test('is found at home, by PGPASSFILE and in the URL, and ignored when others can read it', async () => {
    const folder = await tempFolder();
    const file = join(folder, '.pgpass');
    await writeFile(file, 'h:5432:d:u:one\nh:5432:e:u:two\n', { mode: 0o600 });
    const passwordOf = (url: string, env: NodeJS.ProcessEnv): unknown =>
      pgConnection(url, env).env['PGPASSWORD'];
    expect(passwordOf('postgres://u@h/d', { HOME: folder })).toBe('one');
    expect(passwordOf('postgres://u@h/d', { ...HOME, PGPASSFILE: file })).toBe('one');
    expect(passwordOf(`postgres://u@h/d?passfile=${encodeURIComponent(file)}`, HOME)).toBe('one');
    expect(passwordOf('postgres://u:url@h/d', { HOME: folder })).toBe('url');
    expect(passwordOf('postgres://u@h/d', { HOME: folder, PGPASSWORD: 'env' })).toBe('env');
    expect(pgConnection('postgres://u@h/d', { HOME: folder }).withDatabase('e').env['PGPASSWORD']).toBe(
      'two',
    );
    await chmod(file, 0o640);
    expect(passwordOf('postgres://u@h/d', { HOME: folder })).toBeUndefined();
  });
});

describe('tlsAttempts', () => {
  const attempts = (url: string, env: NodeJS.ProcessEnv = HOME): unknown =>
    tlsAttempts(readSettings(url, env));

  test.each([
    ['postgres://u@h/d', [{ rejectUnauthorized: false }, false]],
    ['postgres://u@h/d?sslmode=disable', [false]],
    ['postgres://u@h/d?sslmode=allow', [false, { rejectUnauthorized: false }]],
    ['postgres://u@h/d?sslmode=require', [{ rejectUnauthorized: false }]],
    ['postgres://u@h/d?sslrootcert=system', [{ rejectUnauthorized: true }]],
    ['postgres://u@h/d?sslmode=verify-full&sslrootcert=system', [{ rejectUnauthorized: true }]],
    ['postgres:///d?host=/s&sslmode=require&user=u', [false]],
  ])('%s', (url, expected) => {
    expect(attempts(url)).toEqual(expected);
  });

  test('PGSSLMODE counts when the URL says nothing', () => {
    expect(attempts('postgres://u@h/d', { ...HOME, PGSSLMODE: 'disable' })).toEqual([false]);
  });

  test('verify-ca checks the certificate but not the name; verify-full both', async () => {
    const root = join(await tempFolder(), 'root.crt');
    await writeFile(root, 'pem');
    const ca = Buffer.from('pem');
    const url = (mode: string): string => `postgres://u@h/d?sslmode=${mode}&sslrootcert=${root}`;
    const loose = { rejectUnauthorized: true, ca, checkServerIdentity: expect.any(Function) as unknown };
    expect(attempts(url('verify-ca'))).toEqual([loose]);
    expect(attempts(url('require'))).toEqual([loose]);
    expect(attempts(url('verify-full'))).toEqual([{ rejectUnauthorized: true, ca }]);
  });

  test('refuses an unknown mode, and verification without a certificate', () => {
    expect(refusalOf(() => attempts('postgres://u@h/d?sslmode=maybe'))).toMatchObject({ code: 'PG_URL' });
    expect(refusalOf(() => attempts('postgres://u@h/d?sslmode=verify-full'))).toMatchObject({
      code: 'PG_TLS_FILE',
    });
  });
});

function refusalOf(action: () => unknown): { message: string; hint: string } {
  try {
    action();
  } catch (error) {
    if (isHoldfastError(error)) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
