/** A folder of files goes out through holdfast alone, and comes back the same: through the command line, on both stores. */
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeBlocks, PROJECT } from './recipes-kit.ts';
import { endAgents, keyring, recover, toolFolder } from './recovery-kit.ts';
import { expectComplaint } from '../services/complaint.ts';
import { PLACES, backUp, folderPlace, makeHost } from '../services/machines.ts';
import type { Host, Machine, SnapshotRecord } from '../services/machines.ts';
import { tempFolder } from '../services/temp.ts';
import { describeTree, makeAwkward, run, settleTimes } from './files-kit.ts';

const DAYS = 3;

afterAll(endAgents);

describe.each(PLACES)('with the store in %s', (_, makePlace) => {
  let host: Host;
  let reader: Machine;
  let root: string;
  const records: SnapshotRecord[] = [];
  const contents: string[][] = [];

  beforeAll(async () => {
    root = join(await tempFolder('uploads'), 'uploads');
    await makeAwkward(root);
    host = await makeHost({
      place: await makePlace(),
      source: ['--source', 'files', '--path', root],
      set: 'up',
    });
    for (let day = 0; day < DAYS; day++) {
      await writeFile(join(root, `img/day-${day}`), `of day ${day}`);
      await settleTimes(root);
      contents.push(await describeTree(root));
      records.push(await backUp(host));
    }
    reader = await host.reader();
  });

  const newTarget = async (): Promise<string> => join(await tempFolder('target'), 'restored');

  test('doctor, status and verify are content', async () => {
    const { json } = await host.good(['doctor', '--json']);
    expect(json.filter(({ verdict }) => verdict === 'wrong')).toEqual([]);
    expect((await host.good(['status'])).stdout).toMatch(/^OK +up: /);
    const verified = await reader.good(['verify', '--read-data', '--json']);
    expect(verified.json.at(-1)).toMatchObject({ type: 'summary', problems: 0, unchecked: 0 });
  });

  test('days share segments', () => {
    const [first, ...later] = records.map(({ counts }) => counts);
    expect(first?.new_segments).toBeGreaterThan(20);
    for (const { new_segments } of later) expect(new_segments).toBeLessThan((first?.new_segments ?? 0) / 4);
  });

  test('each day comes back as it was, on another machine', async () => {
    for (const [day, content] of contents.entries()) {
      const to = await newTarget();
      const { stdout } = await reader.good(['restore', `up@${records[day]?.snapshot ?? ''}`, '--to', to]);
      expect(stdout).toMatch(/^\d+ entries: the counts match the snapshot; /m);
      expect(await describeTree(to)).toEqual(content);
      if (day > 0) continue;
      const again = await reader.run(['restore', 'up', '--to', to]);
      expectComplaint(again, { exit: 6, error: /already holds something/, hint: /--to/ });
      expect(await describeTree(to)).toEqual(content);
    }
  });

  test('cat and --to FILE.tar are the same archive, which tar extracts', async () => {
    const file = join(await tempFolder('tar'), 'uploads.tar');
    const { stdout } = await reader.good(['restore', 'up', '--to', file]);
    expect(stdout).toContain('of an archive to');
    const out = await tempFolder('out');
    await run('tar', ['--xattrs', '--xattrs-include=*', '-xpf', file, '-C', out]);
    expect(await describeTree(out)).toEqual(contents.at(-1));
    const cat = await reader.good(['cat', 'up'], { encoding: 'latin1' });
    expect(Buffer.from(cat.stdout, 'latin1').equals(await readFile(file))).toBe(true);
  });

  test('one path, one file, and the list', async () => {
    const to = await newTarget();
    await reader.good([
      'restore',
      `up@${records[0]?.snapshot ?? ''}`,
      '--to',
      to,
      '--path',
      'img/day-0',
      '-p',
      'empty/',
    ]);
    expect((await readdir(to, { recursive: true })).sort()).toEqual(['empty', 'img', 'img/day-0']);
    expect(await readFile(join(to, 'img/day-0'), 'utf8')).toBe('of day 0');
    expect((await reader.good(['cat', 'up', '--path', '/img/day-2'])).stdout).toBe('of day 2');
    const { stdout } = await reader.good(['cat', 'up', '--table', 'files']);
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { path?: string });
    // The last one is about attributes.
    expect(lines.length).toBe((contents.at(-1)?.length ?? 0) - 1);
    expect(lines.map(({ path }) => path)).toContain('img/day-2');
  });

  test('what cannot be is said', async () => {
    const to = await newTarget();
    const missing = await reader.run(['restore', 'up', '--to', to, '--path', 'no/such']);
    expectComplaint(missing, { exit: 6, error: /There is no no\/such/, hint: /--dry-run/ });
    const inTar = await reader.run(['restore', 'up', '--to', `${to}.tar`, '--path', 'img']);
    expectComplaint(inTar, { exit: 2, error: /--path/, hint: /folder/ });
    const folder = await reader.run(['cat', 'up', '--path', 'img']);
    expectComplaint(folder, { exit: 2, error: /img is a folder/, hint: /restore/ });
    expect(await readdir(join(to, '..'))).toEqual([]);
  });

  test('a dry run does nothing', async () => {
    const to = await newTarget();
    const { stdout } = await reader.good(['restore', 'up', '--to', to, '--dry-run']);
    expect(stdout).toMatch(/^target +folder .*will be created$/m);
    expect(await readdir(join(to, '..'))).toEqual([]);
  });
});

test('excludes are of the configuration, and its mistakes are told by their place', async () => {
  const root = await tempFolder('uploads');
  await mkdir(join(root, 'cache'));
  for (const name of ['a', 'b.tmp', 'cache/x']) await writeFile(join(root, name), name);
  const [, makePlace] = PLACES[0] ?? [];
  if (!makePlace) throw new Error('there is no place');
  const host = await makeHost({
    place: await makePlace(),
    source: ['--source', 'files', '--path', root],
    set: 'up',
  });
  const file = join(host.folder, 'holdfast.yaml');
  const text = await readFile(file, 'utf8');
  const withExclude = (list: string) =>
    writeFile(file, text.replace(/^( +)keep:/m, `$1exclude: ${list}\n$1keep:`));
  await withExclude("['/../x']");
  const wrong = await host.run(['backup']);
  expectComplaint(wrong, { exit: 2, error: /holdfast\.yaml:\d+:\d+.*holds \. or \.\./, hint: /./ });
  await withExclude("['*.tmp', '/cache/']");
  await backUp(host);
  const reader = await host.reader();
  const { stdout } = await reader.good(['cat', 'up', '--table', 'files']);
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { path: string }).path),
  ).toEqual(['.', 'a']);
  await rm(root, { recursive: true });
  const gone = await host.run(['backup']);
  expectComplaint(gone, { exit: 1, error: /cannot open the folder/, hint: /mount/ });
});

test('recover.sh gets archive and list out with gpg and zstd alone, and tar does the rest', async () => {
  const root = join(await tempFolder('uploads'), 'uploads');
  await makeAwkward(root);
  const place = await folderPlace();
  const host = await makeHost({ place, source: ['--source', 'files', '--path', root], set: 'up' });
  await backUp(host);
  const store = fileURLToPath(place.url);
  const gnupg = await keyring([await readFile(host.opsKey, 'utf8')]);
  const at = { store, tools: await toolFolder(), gnupg };
  const { code, stdout } = await recover(['up'], at);
  expect(code).toBe(0);
  const [file, out] = [join(await tempFolder('tar'), 'up.tar'), await tempFolder('out')];
  await writeFile(file, stdout);
  await run('tar', ['--xattrs', '--xattrs-include=*', '-xpf', file, '-C', out]);
  expect(await describeTree(out)).toEqual(await describeTree(root));
  const list = await recover(['--globals', 'up'], at);
  expect(list.sql).toBe((await (await host.reader()).good(['cat', 'up', '--table', 'files'])).stdout);
});

test('the configuration and the commands of docs/files.md work as they stand', async () => {
  const page = await readFile(join(PROJECT, 'docs/files.md'), 'utf8');
  const [folder, out] = [await tempFolder('srv'), await tempFolder('out')];
  const root = join(folder, 'uploads');
  for (const path of [
    'img/2026/a.png',
    'logo.png',
    'x.tmp',
    'cache/c',
    'thumbs/a/b/c.webp',
    'img/cache/kept',
  ]) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), `content of ${path}`);
  }
  const fit = (text: string) =>
    text
      .replaceAll('/srv/app', folder)
      .replaceAll('/tmp/found', join(out, 'found'))
      .replaceAll('@2026-11-21', '');
  const host = await makeHost({
    ...{ place: await folderPlace(), source: ['--source', 'files', '--path', root] },
    set: 'uploads',
  });
  const config = join(host.folder, 'holdfast.yaml');
  const [sets = '', map = ''] = codeBlocks(page, 'yaml');
  const withMap = fit(sets).replace(/^( +)(keep: .*)$/m, '$1$2\n$1subjects: map.yaml');
  await writeFile(config, (await readFile(config, 'utf8')).replace(/^sets:[^]*?(?=^\S|$(?![^]))/m, withMap));
  const reader = await host.reader();
  for (const { folder: at } of [host, reader]) {
    // The database of the page is not here.
    await writeFile(join(at, 'map.yaml'), map.replace(/^ +listed: .*\n/m, ''));
    await writeFile(join(at, 'names.txt'), 'logo.png\n');
  }
  for (const line of codeBlocks(page, 'sh').join('').trimEnd().split('\n')) {
    const [, words = '', file] = /^holdfast ([^#>]*?) *(?:> (\S+))?(?: +#.*)?$/.exec(line) ?? [];
    const args = fit(words).replace('--key ops.key', '').split(/ +/);
    const { stdout } = await (args[0] === 'backup' ? host : reader).good(args);
    if (file !== undefined) expect(stdout).toBe('content of img/2026/a.png');
  }
  const restored = async (of: string) =>
    (await readdir(of, { recursive: true })).filter((path) => /\.|c$|t$/.test(path));
  expect((await restored(join(folder, 'uploads-restored'))).sort()).toEqual([
    'img/2026/a.png',
    'img/cache/kept',
    'logo.png',
  ]);
  expect((await restored(join(out, 'found'))).sort()).toEqual(['img/2026/a.png', 'logo.png']);
  await run('tar', ['-tf', join(reader.folder, 'uploads.tar')]);
});
