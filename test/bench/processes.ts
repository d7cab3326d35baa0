/** Running a program to its end, unmeasured: preparation and cleaning up. */
import { execa } from 'execa';

export type Environment = Readonly<Record<string, string>>;

export interface RunOptions {
  readonly env: Environment;
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** Handed to the program on its standard input; nothing when absent. */
  readonly input?: string;
}

/**
 * Runs one program and returns what it printed.
 *
 * @throws ExecaError with the program's own words when it does not exit 0
 */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<string> {
  const { stdout } = await execa(program, args, {
    cwd: options.cwd,
    env: { ...options.env },
    extendEnv: false,
    cancelSignal: options.signal,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  return stdout;
}
