/** Goal: pressing the tabulator helps, in the three shells as they are. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { HOLDFAST, holdfast } from '../services/cli.ts';
import { tempFolder } from '../services/temp.ts';
import { locateOrThrow } from '../services/packages.ts';

let folder: string;
let path: string;

beforeAll(async () => {
  folder = await tempFolder('completion');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  await symlink(HOLDFAST, join(bin, 'holdfast'));
  path = [bin, dirname(process.execPath), process.env['PATH']].join(':');
  const set = 'source: sqlite, path: shop.db, keep: 30d';
  await writeFile(
    join(folder, 'holdfast.yaml'),
    `version: 1\nstore: file:./store\nrecipients: [ops.asc]\nsets: { shop: { ${set} }, other: { ${set} } }\n`,
  );
  await writeFile(join(folder, 'ops.asc'), 'not looked at');
});

const CASES: readonly (readonly [line: string, offered: readonly string[], not: string])[] = [
  ['holdfast pur', ['purge'], 'backup'],
  ['holdfast purge ', ['plan', 'apply', 'verify'], 'backup'],
  ['holdfast purge plan ', ['shop', 'other'], 'apply'],
  ['holdfast purge plan --s', ['--scan', '--subject', '--sign-with'], '--ref'],
  ['holdfast init --source ', ['postgres', 'sqlite', 'files'], 'shop'],
  ['holdfast restore shop --key o', ['ops.asc'], 'other'],
  ['holdfast --config holdfast.yaml keys r', ['remove', 'rotate'], 'restore'],
];

test.each(CASES)('bash, behind %j', async (line, offered, not) => {
  const script = await scriptFile('bash');
  const words = line.split(' ');
  const shell = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await inFolder('bash', ['--norc', '-c', shell, 'bash', script, ...words]);
  expectOffered(stdout.split('\n'), offered, not);
});

test.each(CASES)('fish, behind %j', async (line, offered, not) => {
  const script = await scriptFile('fish');
  const { stdout } = await inFolder('fish', [
    '--no-config',
    '-c',
    'source $argv[1]; complete -C $argv[2]',
    script,
    line,
  ]);
  const words = stdout.split('\n').map((one) => one.split('\t')[0] ?? '');
  expectOffered(words, offered, not);
});

test.each(CASES)('zsh, behind %j', async (line, offered, not) => {
  const script = await scriptFile('zsh');
  const driver = join(import.meta.dirname, 'complete.zsh');
  const { stdout } = await inFolder('zsh', ['-f', driver, dirname(script), line, ...offered]);
  expectOffered(stdout.split(/\s+/), offered, not);
});

test('--json gives the script and the names of sets as records', async () => {
  const script = await holdfast(['completion', 'bash', '--json']);
  expect(script.json.at(-1)).toMatchObject({ type: 'summary', shell: 'bash' });
  const sets = await holdfast(['completion', 'sets', '--json'], { cwd: folder });
  expect(sets.json).toEqual([
    { type: 'set', set: 'shop' },
    { type: 'set', set: 'other' },
    { type: 'summary', sets: 2 },
  ]);
});

function expectOffered(words: readonly string[], offered: readonly string[], not: string): void {
  expect(words).toEqual(expect.arrayContaining([...offered]));
  expect(words).not.toContain(not);
}

async function scriptFile(shell: 'bash' | 'fish' | 'zsh'): Promise<string> {
  const { stdout, exitCode } = await holdfast(['completion', shell]);
  expect(exitCode).toBe(0);
  const file = join(await tempFolder('script'), '_holdfast');
  await writeFile(file, stdout);
  return file;
}

async function inFolder(shell: string, args: readonly string[]) {
  const HOME = await tempFolder('home');
  const env = { PATH: path, HOME, LANG: 'C.UTF-8' };
  return execa(locateOrThrow(shell), [...args], { cwd: folder, env, extendEnv: false, stdin: 'ignore' });
}
