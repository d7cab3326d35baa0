/** The servers of the tests do what the tests rely on. */
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  DeleteObjectCommand,
  PutBucketLifecycleConfigurationCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startMariadb } from '../services/mariadb.ts';
import { startPostgres } from '../services/postgres.ts';
import { startRgw } from '../services/rgw.ts';
import { tempFolder } from '../services/temp.ts';
import { useMariadb, usePostgres, useS3 } from '../services/use.ts';

describe('PostgreSQL', () => {
  test('answers over TCP and over the socket, to the superuser and to a role, and wants the password', async () => {
    const postgres = await usePostgres();
    const database = new URL(await postgres.createDatabase('Größe "1"'));
    const name = decodeURIComponent(database.pathname.slice(1));
    const role = await postgres.createRole();
    for (const url of [
      database.href,
      postgres.socketUrl(name),
      postgres.url(name, role),
      postgres.socketUrl(name, role),
    ]) {
      expect(await postgres.psql(url, 'SELECT current_database(), 1 + 1;')).toBe(`${name}|2`);
    }
    for (const url of [
      postgres.url(name, { ...role, password: 'wrong' }),
      postgres.socketUrl(name, { ...role, password: 'wrong' }),
    ]) {
      await expect(postgres.psql(url, 'SELECT 1;')).rejects.toThrow(/password authentication failed/);
    }
  });

  test('psql stops at the first error', async () => {
    const postgres = await usePostgres();
    const url = await postgres.createDatabase();
    await expect(postgres.psql(url, 'SELECT 1/0; CREATE TABLE t ();')).rejects.toThrow(/division by zero/);
    expect(await postgres.psql(url, 'SELECT count(*) FROM pg_tables WHERE tablename = $$t$$;')).toBe('0');
  });

  test('a server of its own takes settings, and is gone with its folder after stop', async () => {
    const server = await startPostgres({ settings: { wal_level: 'logical' } });
    expect(await server.psql(server.url(), 'SHOW wal_level;')).toBe('logical');
    await server.stop();
    expect(existsSync(server.socketFolder)).toBe(false);
    expect(() => process.kill(server.pid, 0)).toThrow(/ESRCH/);
  });
});

describe('MariaDB', () => {
  test('answers over TCP and over the socket, to the superuser and to a user, and wants the password', async () => {
    const mariadb = await useMariadb();
    const database = new URL(await mariadb.createDatabase('Größe `1`'));
    const name = decodeURIComponent(database.pathname.slice(1));
    const user = await mariadb.createUser(['GRANT SELECT ON *.* TO $USER']);
    for (const url of [
      database.href,
      mariadb.socketUrl(name),
      mariadb.url(name, user),
      mariadb.socketUrl(name, user),
    ])
      expect(await mariadb.sql(url, 'SELECT DATABASE(), 1 + 1;')).toBe(`${name}\t2`);
    const wrong = mariadb.url(name, { ...user, password: 'wrong' });
    await expect(mariadb.sql(wrong, 'SELECT 1;')).rejects.toThrow(/Access denied/);
  });

  test('a server of its own takes settings, and is gone with its folder after stop', async () => {
    const server = await startMariadb({ settings: { 'sql-mode': 'NO_BACKSLASH_ESCAPES' } });
    expect(await server.sql(server.url(), 'SELECT @@global.sql_mode;')).toBe('NO_BACKSLASH_ESCAPES');
    await server.stop();
    expect(existsSync(server.socket)).toBe(false);
    expect(() => process.kill(server.pid, 0)).toThrow(/ESRCH/);
  });
});

describe('the S3 server', () => {
  test('refuses a conditional put when the object exists', async () => {
    const s3 = await useS3();
    const Bucket = await s3.createBucket();
    const client = s3.client();
    const put = (Body: string) =>
      client.send(new PutObjectCommand({ Bucket, Key: 'k', Body, IfNoneMatch: '*' }));
    await put('first');
    await expect(put('second')).rejects.toMatchObject({ $metadata: { httpStatusCode: 412 } });
    const object = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }));
    expect(await object.Body?.transformToString()).toBe('first');
  });

  test('keeps versions in a versioned bucket', async () => {
    const s3 = await useS3();
    const Bucket = await s3.createBucket('versions', { versioned: true });
    const client = s3.client();
    for (const Body of ['1', '2']) await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body }));
    const { Versions } = await client.send(new ListObjectVersionsCommand({ Bucket }));
    expect(Versions?.map((version) => version.IsLatest)).toEqual([true, false]);
  });

  test('keeps a locked version from being deleted', async () => {
    const s3 = await useS3();
    const Bucket = await s3.createBucket('lock', { objectLock: true });
    const client = s3.client();
    const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const RetainUntilDate = new Date(Date.now() + 60_000);
    const Retention = { Mode: 'COMPLIANCE', RetainUntilDate } as const;
    await client.send(new PutObjectRetentionCommand({ Bucket, Key: 'k', VersionId, Retention }));
    const removing = client.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId }));
    await expect(removing).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('gives the writer no bucket, a suspended user nothing, and a full bucket no more objects', async () => {
    const s3 = await useS3();
    await expect(
      s3.client(s3.writer).send(new CreateBucketCommand({ Bucket: 'mine' })),
    ).rejects.toMatchObject({
      $metadata: { httpStatusCode: 403 },
    });

    const user = await s3.createUser();
    const client = s3.client(user);
    const Bucket = `bucket-of-${user.uid}`;
    await client.send(new CreateBucketCommand({ Bucket }));
    const put = (Key: string) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    await s3.suspend(user.uid);
    await expect(put('a')).rejects.toMatchObject({ name: 'UserSuspended' });
    await s3.enable(user.uid);
    await put('a');

    await s3.quota(Bucket, { maxObjects: 1 });
    await expect(put('b')).rejects.toMatchObject({ name: 'QuotaExceeded' });
    await s3.quota(Bucket, {});
    await put('b');
  });

  test('carries out lifecycle rules in real days', async () => {
    // The shared one has buckets of other tests with rules: moving its calendar would empty them.
    const s3 = await startRgw();
    onTestFinished(() => s3.stop());
    const Bucket = await s3.createBucket('days');
    const client = s3.client();
    await client.send(lifecycleRule(Bucket, 'keep-030/', 30));
    await client.send(new PutObjectCommand({ Bucket, Key: 'keep-030/k', Body: 'x' }));
    const left = async () => (await client.send(new ListObjectsV2Command({ Bucket }))).KeyCount;
    await s3.lifecyclePass(29);
    expect(await left()).toBe(1);
    await s3.lifecyclePass(32);
    expect(await left()).toBe(0);
    client.destroy();
  });

  test('of a test of its own: a bounce that keeps the data, short days, a freeze, and nothing left after stop', async () => {
    const server = await startRgw({ lifecycleDaySeconds: 4 });
    const Bucket = await server.createBucket();
    const client = server.client();
    for (const Key of ['short/k', 'stays'])
      await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));

    await server.bounce();
    // After the bounce: a lifecycle pass that is killed leaves its bucket marked busy.
    await client.send(lifecycleRule(Bucket, 'short/', 1));
    const keys = async () =>
      (await client.send(new ListObjectsV2Command({ Bucket }))).Contents?.map((object) => object.Key);
    for (let i = 0; i < 900 && (await keys())?.length !== 1; i += 1) await sleep(100);
    expect(await keys()).toEqual(['stays']);

    server.freeze();
    const abortSignal = AbortSignal.timeout(300);
    await expect(client.send(new ListObjectsV2Command({ Bucket }), { abortSignal })).rejects.toThrow();
    server.thaw();
    expect(await keys()).toEqual(['stays']);

    await server.stop();
    expect(existsSync(server.configFile)).toBe(false);
    await expect(fetch(server.endpoint)).rejects.toThrow();
  });
});

test('servers and their folder are gone when the process that started them is killed', async () => {
  const start = `import { startPostgres } from ${JSON.stringify(import.meta.resolve('../services/postgres.ts'))};
    const server = await startPostgres();
    console.log(JSON.stringify([server.pid, server.socketFolder]));
    setInterval(() => {}, 1000);`;
  const owner = spawn(process.execPath, ['--input-type=module', '--eval', start], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const [pid, folder] = JSON.parse(line.toString()) as [number, string];
  process.kill(pid, 0);
  owner.kill('SIGKILL');
  await vi.waitFor(() => expect(existsSync(dirname(folder))).toBe(false), { timeout: 20_000 });
  await vi.waitFor(() => expect(existsSync(`/proc/${String(pid)}`)).toBe(false), { timeout: 20_000 });
});

test('a temporary folder is private', async () => {
  const folder = await tempFolder();
  await writeFile(`${folder}/file`, 'x');
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

function lifecycleRule(Bucket: string, Prefix: string, Days: number): PutBucketLifecycleConfigurationCommand {
  const rule = { ID: Prefix, Status: 'Enabled', Filter: { Prefix }, Expiration: { Days } } as const;
  return new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [rule] } });
}
