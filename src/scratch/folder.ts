/** Folders that go, whatever happens to the process that made them: even SIGKILL leaves nothing behind. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScratchFolder extends AsyncDisposable {
  /** Only this user may enter it. */
  readonly path: string;
}

/**
 * A shell that waits for our end: it reads a pipe that only this process holds. Then it ends the server whose pid the
 * file names (SIGQUIT: PostgreSQL's immediate shutdown), and removes the folder until it is gone, because a server that
 * dies still writes for a moment.
 */
const GUARD = `cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null
tries=0
while [ -e "$1" ] && [ $tries -lt 100 ]; do
  rm -rf -- "$1" 2>/dev/null || sleep 0.1
  tries=$((tries + 1))
done`;

/** Paths of Unix sockets end at 107 bytes (sun_path of unix(7)): below a longer base a server cannot make its own. */
const BASE_BYTES_MAX = 60;

/** Makes a guarded folder in the machine's temporary folder (`TMPDIR`). */
export async function makeScratchFolder(): Promise<ScratchFolder> {
  const base = Buffer.byteLength(tmpdir()) <= BASE_BYTES_MAX ? tmpdir() : '/tmp';
  const path = await mkdtemp(join(base, 'holdfast-scratch-'));
  // In a process group of its own, so that Ctrl-C does not end the guard before its work.
  const guard = spawn('/bin/sh', ['-c', GUARD, 'holdfast-scratch-guard', path], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await once(guard, 'spawn');
  guard.unref();
  (guard.stdin as typeof guard.stdin & { unref(): void }).unref();
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
      guard.stdin.end();
    },
  };
}
