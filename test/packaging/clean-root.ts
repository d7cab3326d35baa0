/** A folder that is the whole world of what runs in it (chroot(2)): some programs with their libraries, and no Node. */
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { tempFolder } from '../services/temp.ts';
import { locateOrThrow } from '../services/packages.ts';

export interface CleanRoot {
  readonly path: string;
  /** Runs a shell script in it as a user (root when none is named), in a folder of it. Throws when it fails. */
  run(script: string, options?: { readonly cwd?: string; readonly user?: Unprivileged }): Promise<string>;
}

export interface Unprivileged {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** Makes one with these programs, and the files that name users. It takes root. */
export async function makeCleanRoot(programs: readonly string[]): Promise<CleanRoot> {
  const path = await tempFolder('root');
  for (const folder of ['etc', 'tmp', 'dev', 'run', 'home', 'root']) mkdirSync(join(path, folder));
  // As on every Debian since 12 (usrmerge).
  for (const folder of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(path, 'usr', folder), { recursive: true });
    symlinkSync(`usr/${folder}`, join(path, folder));
  }
  execFileSync('chmod', ['755', path]);
  execFileSync('chmod', ['1777', join(path, 'tmp')]);
  for (const device of ['null', 'urandom']) execFileSync('cp', ['-a', `/dev/${device}`, join(path, 'dev')]);
  for (const name of programs) copyProgram(locateOrThrow(name), path);
  writeFileSync(join(path, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  writeFileSync(join(path, 'etc/group'), 'root:x:0:\n');
  return { path, run: (script, options = {}) => runIn(path, script, options) };
}

function copyProgram(program: string, root: string): void {
  copyInto(root, program);
  copyLibraries(program, root);
}

/** What the loader asks for when it starts the program (ldd(1)). */
export function copyLibraries(program: string, root: string): void {
  const listed = execFileSync('ldd', [program], { encoding: 'utf8' });
  for (const [, file = ''] of listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)) copyInto(root, file);
}

function copyInto(root: string, file: string): void {
  mkdirSync(join(root, dirname(file)), { recursive: true });
  copyFileSync(file, join(root, file));
}

async function runIn(
  root: string,
  script: string,
  { cwd = '/', user }: { readonly cwd?: string; readonly user?: Unprivileged },
): Promise<string> {
  const { stdout } = await execa(
    'chroot',
    [
      ...(user ? [`--userspec=${user.uid}:${user.gid}`, '--groups='] : []),
      root,
      '/bin/sh',
      '-euc',
      `cd ${cwd}; ${script}`,
    ],
    {
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: user?.home ?? '/root', LANG: 'C.UTF-8' },
      extendEnv: false,
      stdin: 'ignore',
    },
  );
  return stdout;
}
