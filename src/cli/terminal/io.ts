/** What a run of the program is connected to. `process` is one of these; tests bring their own. */
import type { Readable, Writable } from 'node:stream';

export type InputStream = Readable & { readonly isTTY?: boolean };
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface CliIo {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: NodeJS.ProcessEnv;
  /** Cancels the run. When it is given the process's own signals are left alone. */
  readonly signal?: AbortSignal;
}

/** True when a person sits at both ends: questions go to stderr, since stdout is the result. */
export function canAsk(io: Pick<CliIo, 'stdin' | 'stderr'>): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}
