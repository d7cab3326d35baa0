/** Goal: `npm run demo` shows real commands with real results, and leaves a folder in which they work again. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { locateOrThrow } from '../services/packages.ts';
import { tempFolder } from '../services/temp.ts';
import { contentsOf } from './sqlite-kit.ts';

const DEMO = join(import.meta.dirname, '../demo/demo.ts');

interface Place {
  readonly folder: string;
  readonly env: Record<string, string>;
}

async function newPlace(path: string): Promise<Place> {
  const around = await tempFolder('demo');
  const [home, temp] = [join(around, 'home'), join(around, 'tmp')];
  await Promise.all([mkdir(home), mkdir(temp)]);
  return { folder: join(around, 'demo'), env: { PATH: path, HOME: home, TMPDIR: temp, LANG: 'C.UTF-8' } };
}

function runDemo({ folder, env }: Place) {
  return execa(process.execPath, [DEMO, '--to', folder], { env, extendEnv: false, reject: false, all: true });
}

let place: Place;
let said: string;

beforeAll(async () => {
  place = await newPlace(process.env['PATH'] ?? '');
  // A key of the user's own must not find its way into the demo.
  const env = { ...place.env, HOLDFAST_KEY: '/nowhere/ops.key' };
  const { exitCode, all } = await runDemo({ ...place, env });
  expect(all).toContain('== Done');
  expect(exitCode).toBe(0);
  said = all;
}, 300_000);

/** Runs what a user would type in the demo's folder. */
function typed(line: string) {
  const path = `${join(place.folder, 'bin')}:${place.env['PATH'] ?? ''}`;
  const env = { ...place.env, PATH: path };
  return execa('/bin/sh', ['-c', line], { cwd: place.folder, env, extendEnv: false, reject: false });
}

test('three days, a restore, and the accident undone: the files are what the output says', () => {
  const at = (name: string) => join(place.folder, name);
  expect(contentsOf(at('copy.db'))).toEqual(contentsOf(at('shop.db')));
  const reviews = (file: string) => /^reviews +(\d+) .* the same$/gm.exec(file)?.[1];
  const [newest, dayTwo] = said.split('== The lost reviews').map((part) => Number(reviews(part)));
  expect(newest).toBeGreaterThan(0);
  expect(dayTwo).toBeGreaterThan(newest ?? 0);
  expect(said).not.toContain('DIFFERENT');
  expect(said.match(/^\$ holdfast backup$/gm)).toHaveLength(3);
});

test('stock gpg gets the same SQL out, and the stock shell makes the same database of it', async () => {
  expect(said).toContain('the same bytes');
  const loaded = join(place.folder, '../loaded.db');
  const sql = await readFile(join(place.folder, 'recovered.sql'));
  await execa(locateOrThrow('sqlite3'), ['-bail', '-cmd', '.dbconfig defensive off', loaded], { input: sql });
  expect(contentsOf(loaded)).toEqual(contentsOf(join(place.folder, 'shop.db')));
});

test('what was shown can be typed again', async () => {
  const lines = [...said.matchAll(/^\$ (holdfast (?:doctor|snapshots|status|verify).*|grep .*)$/gm)];
  expect(lines.length).toBeGreaterThanOrEqual(5);
  for (const [, line = ''] of lines) expect(await typed(line)).toMatchObject({ exitCode: 0 });
  expect(await typed('holdfast cat shop')).toMatchObject({ exitCode: 12 });
});

test('what README.txt says of a machine that never saw all this brings the newest backup back there', async () => {
  const readme = await readFile(join(place.folder, 'README.txt'), 'utf8');
  const [, steps = ''] = /never saw all this.*\n\n((?: {2}.*\n)+)/.exec(readme) ?? [];
  const rescue = join(place.folder, '../rescue');
  const { exitCode, stdout, stderr } = await typed(`set -e\n${steps.replaceAll('/tmp/rescue', rescue)}`);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('the counts match the snapshot');
  expect(contentsOf(join(rescue, 'shop.db'))).toEqual(contentsOf(join(place.folder, 'shop.db')));
});

test('what README.txt says to try works; and harm is noticed', async () => {
  const readme = await readFile(join(place.folder, 'README.txt'), 'utf8');
  const here = readme.replace(/^Play a machine(?:.*\n)*?(?=Do harm)/m, '');
  const lines = [...here.matchAll(/^ {2}((?:holdfast|for|less) .*)$/gm)].map(([, line = '']) => line);
  const harm = lines.findIndex((line) => line.startsWith('for '));
  for (const line of lines.slice(0, harm)) {
    const { exitCode, stdout } = await typed(line.replace(/^less /, 'cat '));
    expect({ line, exitCode, silent: stdout === '' }).toEqual({ line, exitCode: 0, silent: false });
  }
  const [doHarm = '', look = ''] = lines.slice(harm);
  expect(await typed(doHarm)).toMatchObject({ exitCode: 0 });
  expect(await typed(look)).toMatchObject({ exitCode: 4 });
});

test('nothing stays outside of the folder but the cache of compiled code, and no agent runs on', async () => {
  expect(await readdir(place.env['TMPDIR'] ?? '')).toEqual([]);
  expect((await readdir(place.env['HOME'] ?? '')).filter((name) => name !== '.cache')).toEqual([]);
  const { stdout } = await execa(locateOrThrow('ps'), ['-eo', 'args']);
  expect(stdout.split('\n').filter((line) => line.includes(place.env['TMPDIR'] ?? ''))).toEqual([]);
});

test('a second run makes the folder anew, unless something in it is not from the demo', async () => {
  const mine = join(place.folder, 'store/my-notes.txt');
  await writeFile(mine, 'mine');
  const refused = await runDemo(place);
  expect(refused).toMatchObject({ exitCode: 2, stdout: '' });
  expect(refused.stderr).toMatch(
    /^demo: .* holds what the demo did not make: store\/my-notes\.txt\ndemo: .*--to FOLDER$/,
  );
  expect(await readFile(mine, 'utf8')).toBe('mine');
  expect(existsSync(join(place.folder, 'copy.db'))).toBe(true);
});

test('on a machine with only Node the step with gpg is left out, and a finished folder is taken again', async () => {
  const programs = await tempFolder('path');
  await symlink(process.execPath, join(programs, 'node'));
  await symlink(locateOrThrow('grep'), join(programs, 'grep'));
  const bare = await newPlace(programs);
  for (let round = 1; round <= 2; round++) {
    const { exitCode, stdout } = await runDemo(bare);
    expect(stdout).toContain('== Done');
    expect(stdout).toContain('Left out, because gpg and zstd are not both on this machine');
    expect(exitCode).toBe(0);
  }
  expect(await readdir(bare.folder)).not.toContain('recovered.sql');
}, 300_000);

test('a file in place of the folder, or a wrong option, is refused in a line', async () => {
  const file = join(await tempFolder(), 'file');
  await writeFile(file, 'mine');
  expect(await runDemo({ ...place, folder: file })).toMatchObject({
    exitCode: 2,
    stdout: '',
    stderr: expect.stringContaining('is not a folder') as string,
  });
  expect(await readFile(file, 'utf8')).toBe('mine');
  const wrong = await execa(process.execPath, [DEMO, '--too', 'x'], { reject: false });
  expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("'--too'") as string });
});
