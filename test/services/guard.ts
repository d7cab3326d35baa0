/**
 * Folders that disappear, whatever happens to the process that made them: even SIGKILL leaves nothing behind.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder with a guard: a shell that waits for our end and then removes it. */
export interface GuardedFolder {
  readonly path: string;
  /** Removes the folder and lets the guard go. */
  remove(): Promise<void>;
}

/**
 * The guard reads a pipe that only this process holds, so it wakes when this process ends, however it ends. It tries
 * again for a while, because servers that write into the folder may need a moment to die.
 */
const GUARD = `cat >/dev/null
tries=0
while [ -e "$1" ] && [ $tries -lt 100 ]; do
  rm -rf -- "$1" 2>/dev/null || sleep 0.1
  tries=$((tries + 1))
done`;

/** Unix socket paths end at 107 bytes: below a long TMPDIR the servers could not make theirs. */
const LONGEST_BASE_BYTES = 40;

/**
 * Makes a guarded folder for servers and tests. Everyone may pass through it (servers run as another user when we are
 * root); what lies in it decides for itself who may read.
 */
export async function guardedFolder(): Promise<GuardedFolder> {
  const base = Buffer.byteLength(tmpdir()) <= LONGEST_BASE_BYTES ? tmpdir() : '/tmp';
  const path = await mkdtemp(join(base, 'holdfast-test-'));
  await chmod(path, 0o711);
  // Detached, so that Ctrl-C, which goes to the whole process group, does not end the guard before its work.
  const guard = spawn('/bin/sh', ['-c', GUARD, 'holdfast-test-guard', path], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  (guard.stdin as typeof guard.stdin & { unref(): void }).unref();
  await once(guard, 'spawn');
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 30, retryDelay: 50 });
      guard.stdin.end();
    },
  };
}
