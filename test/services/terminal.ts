/** Running the program on a terminal, with somebody who types. */
import { join } from 'node:path';
import { execa } from 'execa';
import { HOLDFAST } from './cli.ts';
import type { Machine } from './machines.ts';
import { locateOrThrow } from './packages.ts';

/** What must have appeared on the screen, and what is typed then. */
export type Step = readonly [wanted: string, typed: string];

export const ENTER = '\r';
export const DOWN = '\u001b[B';
export const CTRL_C = '\u0003';

export interface Screen {
  readonly exitCode: number | undefined;
  /** All that was shown, without colours and movements; lines that were drawn again stand there again. */
  readonly shown: string;
}

/** Runs `holdfast ARGS` on a terminal of its own. Throws when something that a step waits for never appears. */
export async function onTerminal(
  { folder, env }: Pick<Machine, 'folder' | 'env'>,
  args: readonly string[],
  steps: readonly Step[],
): Promise<Screen> {
  const driver = [join(import.meta.dirname, 'terminal.py'), JSON.stringify(steps)];
  const { exitCode, stdout, stderr } = await execa(
    locateOrThrow('python3'),
    [...driver, process.execPath, HOLDFAST, ...args],
    {
      cwd: folder,
      env: {
        PATH: process.env['PATH'] ?? '',
        LANG: 'C.UTF-8',
        TERM: 'xterm',
        COLUMNS: '200',
        NO_COLOR: '1',
        ...env,
      },
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
    },
  );
  if (exitCode === 99) throw new Error(`${stderr}; the screen showed:\n${stdout}`);
  return { exitCode, shown: stdout };
}
