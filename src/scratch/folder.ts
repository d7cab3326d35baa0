/** Folders that go, whatever happens to the process that made them: even SIGKILL leaves nothing behind. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface ScratchFolder extends AsyncDisposable {
  /** Only this user may enter it. */
  readonly path: string;
  /**
   * Ends a process group that works in there before the folder goes, should this process end first.
   * @param leader - which leads a process group of its own; undefined: there is none any more
   */
  guard(leader: number | undefined, signal?: 'KILL' | 'QUIT'): void;
}

/**
 * A shell that waits for our end: it reads a pipe that only this process holds, and on which we have said whom to end.
 * Then it removes the folder until it is gone, because a server that dies still writes for a moment. What was restored
 * may have folders that nobody may write, so their modes go first.
 */
const GUARD = `leader=
while read -r name pid; do signal=$name leader=$pid; done
[ -n "$leader" ] && kill -s "$signal" -- "-$leader" 2>/dev/null
tries=0
while [ -e "$1" ] && [ $tries -lt 100 ]; do
  rm -rf -- "$1" 2>/dev/null || { chmod -R u+rwx -- "$1" 2>/dev/null; sleep 0.1; }
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
  // A guard that somebody has ended is noticed when the folder is removed.
  guard.stdin.on('error', () => undefined);
  guard.unref();
  (guard.stdin as typeof guard.stdin & { unref(): void }).unref();
  return {
    path,
    // A line at a time, and at once: the guard must know it when we are killed in the next moment.
    guard: (leader, signal = 'KILL') => void guard.stdin.write(`${signal} ${leader ?? ''}\n`),
    [Symbol.asyncDispose]: async () => {
      await endGuard(guard);
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** The guard removes the folder: there is only one way, so it is the one that is known to work. */
async function endGuard(guard: ChildProcess): Promise<void> {
  if (guard.exitCode !== null || guard.signalCode !== null) return;
  guard.ref();
  const ended = once(guard, 'exit');
  guard.stdin?.end();
  await ended;
}
