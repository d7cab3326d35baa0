/** Goal: the program as users start it: help, version, mistakes, signals, and an older Node. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { HOLDFAST, holdfast } from '../services/cli.ts';
import { tempFolder } from '../services/temp.ts';

test('--help names every verb, the exit codes and examples, on stdout', async () => {
  const { exitCode, stdout, stderr } = await holdfast(['--help']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  for (const verb of [
    'init',
    'doctor',
    'backup',
    'snapshots',
    'restore',
    'cat',
    'verify',
    'keys',
    'status',
  ]) {
    expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
  }
  expect(stdout).toContain('Exit status:');
  expect(stdout).toContain('12 no key');
  expect(stdout).toContain('Examples:');
  expect(stdout).not.toContain('\u001b');
});

test('the help of a verb shows its own options, the common ones and the exit codes', async () => {
  const { exitCode, stdout } = await holdfast(['backup', '--help']);
  expect(exitCode).toBe(0);
  for (const part of ['--full', '--config <FILE>', '--json', 'Exit status:', 'Examples:'])
    expect(stdout).toContain(part);
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(join(HOLDFAST, '../../package.json'), 'utf8')) as {
    version: string;
  };
  expect(await holdfast(['--version'])).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

test.each<[readonly string[], string]>([
  [
    ['snapshot'],
    "holdfast: error: unknown command 'snapshot'\nholdfast: hint: Did you mean snapshots? `holdfast --help` shows what there is.\n",
  ],
  [
    ['backup', '--ful'],
    "holdfast: error: unknown option '--ful'\nholdfast: hint: Did you mean --full? `holdfast backup --help` shows what there is.\n",
  ],
])('%j is a usage error of two lines', async (args, stderr) => {
  expect(await holdfast(args)).toMatchObject({ exitCode: 2, stdout: '', stderr });
});

// /etc/holdfast/holdfast.yaml of a machine that really uses holdfast would be found instead.
test.skipIf(existsSync('/etc/holdfast/holdfast.yaml'))(
  'without a configuration the hint is to run init',
  async () => {
    const human = await holdfast(['snapshots']);
    expect(human).toMatchObject({ exitCode: 2, stdout: '' });
    expect(human.stderr).toMatch(
      /^holdfast: error: no configuration found.*\nholdfast: hint: .*`holdfast init`.*\n$/,
    );
    const scripted = await holdfast(['snapshots', '--json']);
    expect(scripted).toMatchObject({ exitCode: 2, stderr: '' });
    expect(scripted.json).toEqual([
      expect.objectContaining({ type: 'error', code: 'CONFIG_MISSING', exit: 2 }),
    ]);
  },
);

test('a typing error in the configuration is shown with its place', async () => {
  const cwd = await tempFolder();
  await writeFile(join(cwd, 'holdfast.yaml'), 'version: 1\nstore: file:///b\nrecipients: [a]\nsetz: {}\n');
  const { exitCode, stderr } = await holdfast(['backup'], { cwd });
  expect(exitCode).toBe(2);
  expect(stderr).toContain("  holdfast.yaml:4:1: setz: unknown key; did you mean 'sets'?\n");
});

test('a reader that closes the pipe early causes no noise', async () => {
  const home = await tempFolder();
  const script = `"${process.execPath}" "${HOLDFAST}" --help | true`;
  const { stderr, exitCode } = await execa('sh', ['-c', script], { env: { HOME: home }, reject: false });
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
});

/** A checkout in miniature: the launcher, and a program in place of ours. */
async function launcherWith(program: string): Promise<string> {
  const folder = await tempFolder('launcher');
  await promisify(execFile)('mkdir', ['-p', join(folder, 'bin'), join(folder, 'src/cli')]);
  for (const name of ['holdfast.js', 'start.js'])
    await writeFile(join(folder, 'bin', name), await readFile(join(HOLDFAST, '..', name)));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'src/cli/run.ts'), program);
  return folder;
}

test('the launcher hands over arguments and streams, passes the exit code on, and waits for nobody', async () => {
  const folder = await launcherWith(`
    import { createServer } from 'node:net';
    export async function run(argv: string[], io: NodeJS.Process): Promise<number> {
      createServer().listen(0, '127.0.0.1');
      io.stdout.write(JSON.stringify(argv));
      return 7;
    }`);
  const started = performance.now();
  const result = await execa(process.execPath, [join(folder, 'bin/holdfast.js'), 'a b', '--c'], {
    reject: false,
  });
  expect(result).toMatchObject({ exitCode: 7, stdout: '["a b","--c"]' });
  expect(performance.now() - started).toBeLessThan(20_000);
});

const SIGNALLED = `
  import { run as real } from '${join(HOLDFAST, '../../src/cli/run.ts')}';
  export const run = (argv: string[], io: NodeJS.Process) => real(argv, io, [(program, context) => {
    program.command('work').action(async () => {
      io.stdout.write('ready\\n');
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, 60_000);
        if (argv.includes('--quiet')) context.signal.addEventListener('abort', () => { clearTimeout(timer); resolve(0); });
      });
      if (context.signal.aborted) throw new Error('broke off');
    });
  }]);`;

test('SIGTERM asks the work to stop: exit code 130', async () => {
  const folder = await launcherWith(SIGNALLED);
  const program = execa(process.execPath, [join(folder, 'bin/holdfast.js'), 'work', '--quiet'], {
    reject: false,
  });
  program.stdout.once('data', () => program.kill('SIGTERM'));
  const { exitCode, stderr } = await program;
  expect({ exitCode, stderr }).toEqual({
    exitCode: 130,
    stderr: expect.stringMatching(/^holdfast: error: cancelled\nholdfast: hint: /) as string,
  });
});

test('an error that nobody awaited is reported like any other', async () => {
  const folder = await launcherWith(`
    import { run as real } from '${join(HOLDFAST, '../../src/cli/run.ts')}';
    export const run = (argv: string[], io: NodeJS.Process) => real(argv, io, [(program) => {
      program.command('work').action(async () => {
        void Promise.reject(new TypeError('lost postgres://u:geheim@h/d'));
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      });
    }]);`);
  const launcher = join(folder, 'bin/holdfast.js');
  const human = await execa(process.execPath, [launcher, 'work'], { reject: false });
  expect(human.exitCode).toBe(1);
  expect(human.stderr).toMatch(
    /^holdfast: error: unexpected: lost postgres:\/\/u:\*{8}@h\/d\nholdfast: hint: /,
  );
  expect(human.stderr).toContain('---- report ----');
  const scripted = await execa(process.execPath, [launcher, 'work', '--json'], { reject: false });
  expect(JSON.parse(scripted.stdout)).toMatchObject({ type: 'error', code: 'BUG', exit: 1 });
});

test('a second SIGINT ends at once, work that does not listen', async () => {
  const folder = await launcherWith(SIGNALLED);
  const program = execa(process.execPath, [join(folder, 'bin/holdfast.js'), 'work'], { reject: false });
  program.stdout.once('data', () => program.kill('SIGINT'));
  program.stderr.once('data', () => setTimeout(() => program.kill('SIGINT'), 300));
  const { exitCode, stderr } = await program;
  expect({ exitCode, stderr }).toEqual({
    exitCode: 130,
    stderr: 'holdfast: note: stopping; press again to end at once',
  });
});

/** A Node before 24 on this machine, if there is one beside the one that runs the tests. */
async function olderNode(): Promise<string | undefined> {
  for (const path of ['/usr/bin/node', '/usr/local/bin/node']) {
    const { stdout } = await execa(path, ['--version'], { reject: false });
    const major = Number(/^v(\d+)/.exec(stdout)?.[1]);
    if (major >= 18 && major < 24) return path;
  }
  return undefined;
}

const OLDER = await olderNode();

test.skipIf(OLDER === undefined)(
  'an older Node starts the one in the package and passes everything on',
  async () => {
    const folder = await launcherWith(`
    export const run = async (argv: string[]): Promise<number> => {
      const stopped = new Promise((resolve) => { setTimeout(resolve, 60_000).unref(); process.once('SIGTERM', resolve); });
      process.stdout.write(process.versions.node.split('.')[0] + argv.join());
      if (argv[0] === 'wait') { const alive = setInterval(() => {}, 1000); await stopped; clearInterval(alive); return 30; }
      if (argv[0] === 'die') process.kill(process.pid, 'SIGKILL');
      return 9;
    }`);
    await symlink(join(HOLDFAST, '../../node_modules'), join(folder, 'node_modules'));
    const launcher = join(folder, 'bin/holdfast.js');
    const plain = await execa(OLDER ?? '', [launcher, 'x'], { reject: false });
    expect(plain).toMatchObject({ exitCode: 9, stdout: '24x', stderr: '' });
    const waiting = execa(OLDER ?? '', [launcher, 'wait'], { reject: false });
    waiting.stdout.once('data', () => waiting.kill('SIGTERM'));
    expect(await waiting).toMatchObject({ exitCode: 30 });
    expect(await execa(OLDER ?? '', [launcher, 'die'], { reject: false })).toMatchObject({
      signal: 'SIGKILL',
    });
  },
);

test.skipIf(OLDER === undefined)('an older Node alone says what is needed in two lines', async () => {
  const folder = await launcherWith('');
  const { exitCode, stderr, stdout } = await execa(OLDER ?? '', [join(folder, 'bin/holdfast.js')], {
    reject: false,
  });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  expect(stderr).toMatch(
    /^holdfast: error: Node 24 or later is needed.*\nholdfast: hint: Install Node 24.*$/,
  );
});
