/**
 * Goal: a store that is full, read-only, gone, silent or closed to this host is said in one line with one hint, nothing
 * half-written counts, and the next run works.
 */
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DeleteBucketCommand } from '@aws-sdk/client-s3';
import { execa, execaSync } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { allow } from '../contract/store.subjects.ts';
import { HOLDFAST } from '../services/cli.ts';
import type { CliResult } from '../services/cli.ts';
import { expectComplaint } from '../services/complaint.ts';
import {
  backUp,
  bucketPlace,
  folderPlace,
  keysIn,
  makeHost,
  snapshotsOf,
  tamper,
} from '../services/machines.ts';
import type { Host } from '../services/machines.ts';
import { expectRefusal } from '../services/refusal.ts';
import { addBulk, openShop } from '../services/shop.ts';
import { tempFolder } from '../services/temp.ts';
import { useS3 } from '../services/use.ts';
import { startProxy } from './tcp-proxy.ts';

let path: string;

beforeAll(async () => {
  path = join(await tempFolder('shop'), 'shop.db');
  openShop(path, 4000);
});

const source = () => ['--source', 'sqlite', '--path', path];

/** A mount of our own that nobody else sees and that goes with its process: for root, or where users may do that. */
const MOUNTS = [['-m'], ['-r', '-m']].find(
  (flags) => execaSync('unshare', [...flags, 'true'], { reject: false }).exitCode === 0,
);

describe('a folder', () => {
  test.skipIf(MOUNTS === undefined)('on a disk that fills up, is mounted read-only, and mended', async () => {
    const folder = await tempFolder('disk');
    const shop = join(folder, 'shop.db');
    await copyFile(path, shop);
    await copyFile(path, join(folder, 'grown.db'));
    addBulk(join(folder, 'grown.db'), 6);
    await mkdir(join(folder, 'disk'));
    const steps = await inOwnMounts(folder, [
      'mount -t tmpfs -o size=3m none disk',
      `run init --yes --store file://${folder}/disk/store --set shop --source sqlite --path shop.db --private-key-out ops.key`,
      'run backup',
      'cp grown.db shop.db',
      'run backup',
      'run snapshots --json',
      'mount -o remount,size=64m disk',
      'mount -o remount,ro disk',
      'run backup',
      'run verify',
      'run restore shop --to restored.db --key ops.key',
      'mount -o remount,rw disk',
      'run backup',
      'run snapshots --json',
      'run verify --read-data --key ops.key',
    ]);
    const [, first, full, listed, readOnly, verified, restored, mended, again, whole] = steps;
    expect(first?.exitCode).toBe(0);
    expectComplaint(result(full), { exit: 1, error: /no room to write .*disk is full/, hint: /Make room/ });
    expect(snapshotLines(listed)).toBe(1);
    expectComplaint(result(readOnly), {
      exit: 1,
      error: /file system is read-only/,
      hint: /Mount it for writing/,
    });
    expect([verified, restored, mended].map((step) => step?.exitCode)).toEqual([0, 0, 0]);
    expect(snapshotLines(again)).toBe(2);
    expect(whole).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('2 of 2 snapshots sound') as string,
    });
  });

  test('that may not be written', async () => {
    const place = await folderPlace();
    const host = await makeHost({ place, source: source() });
    await backUp(host);
    const root = new URL(place.url).pathname;
    await execa('chmod', ['-R', 'a-w', root]);
    const refused = await withoutPrivilege(host, ['backup']);
    expectComplaint(refused, {
      exit: 1,
      error: /not allowed to write/,
      hint: /user .* owns the folder|chown/,
    });
    expect(await withoutPrivilege(host, ['verify'])).toMatchObject({ exitCode: 0 });
    await execa('chmod', ['-R', 'u+w', root]);
    await backUp(host);
    expect(await snapshotsOf(host)).toHaveLength(2);
  });

  test('that is not there, and one that is no store', async () => {
    const place = await folderPlace();
    const host = await makeHost({ place, source: source() });
    const root = new URL(place.url).pathname;
    await execa('mv', [root, `${root}.away`]);
    const missing = { exit: 10, error: /store .* is not there/, hint: /Mount|holdfast init/ };
    for (const args of [['backup'], ['snapshots'], ['verify'], ['status']]) {
      expectComplaint(await host.run(args), missing);
    }
    await mkdir(root);
    expectComplaint(await host.run(['backup']), {
      exit: 10,
      error: /not a holdfast store/,
      hint: /holdfast init/,
    });
    await rm(root, { recursive: true });
    await expectRefusal(host, { ...missing, mend: () => execa('mv', [`${root}.away`, root]) });
  });
});

describe('S3', () => {
  test('credentials that may read and not write', async () => {
    const place = await bucketPlace();
    const { s3, bucket } = place;
    const host = await makeHost({ place, source: source() });
    await backUp(host);
    await allow(s3, bucket, s3.writer, ['s3:GetObject', 's3:ListBucket']);
    const env = s3.env(s3.writer);
    const secrets = [s3.writer.secretAccessKey, s3.owner.secretAccessKey];
    await expectRefusal(host, { env, exit: 1, error: /not allowed to write/, hint: /s3:PutObject/, secrets });
  });

  test('credentials that may do nothing, wrong ones, and none', async () => {
    const { s3, ...place } = await bucketPlace();
    const host = await makeHost({ place, source: source() });
    await expectRefusal(host, {
      env: s3.env(s3.writer),
      exit: 1,
      error: /not allowed to/,
      hint: /s3:ListBucket/,
    });
    const wrong = { ...s3.owner, secretAccessKey: 'hush-hush'.repeat(5) };
    const what = { exit: 10, error: /cannot sign in/, secrets: ['hush-hush'] };
    await expectRefusal(host, {
      env: s3.env(wrong),
      hint: /AWS_SECRET_ACCESS_KEY|credentials|key/i,
      ...what,
    });
    const none = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    await expectRefusal(host, { env: none, hint: /AWS_ACCESS_KEY_ID|credentials/, ...what });
  });

  test('a quota that is used up', async () => {
    const { s3, bucket, ...place } = await bucketPlace();
    const host = await makeHost({ place, source: source() });
    await backUp(host);
    await s3.quota(bucket, { maxObjects: (await keysIn(place)).length });
    const mend = () => s3.quota(bucket, {});
    await expectRefusal(host, { args: ['backup', '--full'], exit: 1, error: /no room/, hint: /quota/, mend });
  });

  test('a bucket that is gone', async () => {
    const { s3, bucket, ...place } = await bucketPlace();
    const host = await makeHost({ place, source: source() });
    await tamper(place, async (store) => {
      await store.remove((await Array.fromAsync(store.list(''))).map(({ key }) => key));
    });
    expectComplaint(await host.run(['backup']), {
      exit: 10,
      error: /not a holdfast store/,
      hint: /holdfast init/,
    });
    const client = s3.client();
    await client.send(new DeleteBucketCommand({ Bucket: bucket })).finally(() => client.destroy());
    const what = { exit: 10, error: /store s3:.* is not there/, hint: /bucket/ };
    await expectRefusal(host, { ...what, forGood: true });
  });

  test('a server that is away', async () => {
    const s3 = await useS3();
    const proxy = await startProxy(s3.endpoint);
    const host = await makeHost({ place: await bucketPlace(proxy.endpoint), source: source() });
    await proxy.close();
    const startedMs = performance.now();
    const mend = () => proxy.open();
    await expectRefusal(host, { exit: 10, error: /cannot reach/, hint: /endpoint|network|server/i, mend });
    expect(performance.now() - startedMs).toBeLessThan(60_000);
  });

  test('a server that goes away while data is sent, and one that comes back in time', async () => {
    const s3 = await useS3();
    const proxy = await startProxy(s3.endpoint);
    const grown = join(await tempFolder('shop'), 'shop.db');
    await copyFile(path, grown);
    addBulk(grown, 4);
    const place = await bucketPlace(proxy.endpoint);
    const host = await makeHost({ place, source: ['--source', 'sqlite', '--path', grown] });
    proxy.closeAfter(1024 * 1024);
    await expectRefusal(host, { exit: 10, error: /cannot reach/, hint: /\w/, mend: () => proxy.open() });
    proxy.closeAfter(1024 * 1024);
    const reopened = proxy.closed
      .then(() => new Promise((resume) => setTimeout(resume, 700)))
      .then(() => proxy.open());
    await backUp(host, ['--full']);
    await reopened;
    expect((await host.good(['verify', '--json'])).json.at(-1)).toMatchObject({ problems: 0, unchecked: 0 });
    expect(await snapshotsOf(host)).toHaveLength(2);
  });
});

/** Root is above permissions until it lays that capability down (man capabilities: CAP_DAC_OVERRIDE). */
async function withoutPrivilege(host: Host, args: readonly string[]): Promise<CliResult> {
  if (process.getuid?.() !== 0) return host.run(args);
  const program = ['--bounding-set', '-dac_override', '--', process.execPath, HOLDFAST, ...args];
  const env = { ...host.env, PATH: process.env['PATH'] ?? '', LANG: 'C.UTF-8' };
  const ended = await execa('setpriv', program, {
    cwd: host.folder,
    env,
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  });
  return result({ exitCode: ended.exitCode ?? -1, stdout: ended.stdout, stderr: `${ended.stderr}\n` });
}

interface Step {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function result(step: Step | undefined): CliResult {
  const { exitCode, stdout = '', stderr = '' } = step ?? {};
  return { exitCode, stdout, stderr, signal: undefined, json: [] };
}

function snapshotLines(step: Step | undefined): number {
  return step?.stdout.match(/"type":"snapshot"/g)?.length ?? 0;
}

/** Runs shell lines in a folder, with mounts that only they see; `run ARGS` is holdfast, and becomes one step. */
async function inOwnMounts(folder: string, lines: readonly string[]): Promise<Step[]> {
  const script = `
    set -e; count=0
    run() {
      count=$((count + 1)); code=0
      "${process.execPath}" "${HOLDFAST}" "$@" >out.$count 2>err.$count </dev/null || code=$?
      echo $code >code.$count
    }
    ${lines.join('\n')}
    echo $count`;
  const env = { HOME: folder, PATH: process.env['PATH'] ?? '' };
  const { stdout } = await execa('unshare', [...(MOUNTS ?? []), 'sh', '-c', script], {
    cwd: folder,
    env,
    extendEnv: false,
  });
  const text = (name: string) => readFile(join(folder, name), 'utf8');
  return Promise.all(
    Array.from({ length: Number(stdout) }, async (_, index) => {
      const n = String(index + 1);
      return {
        exitCode: Number(await text(`code.${n}`)),
        stdout: await text(`out.${n}`),
        stderr: await text(`err.${n}`),
      };
    }),
  );
}
