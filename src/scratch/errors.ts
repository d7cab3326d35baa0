import { HoldfastError } from '../errors.ts';

/**
 * @param what - product and version: `PostgreSQL 15`
 * @param programs - their names
 * @param install - what to do about it: a sentence
 */
export const noServerPrograms = (what: string, programs: string, install: string) =>
  new HoldfastError({
    code: 'SCRATCH_NO_SERVER',
    exit: 'unverifiable',
    message: `no server programs of ${what} or newer (${programs}) are on this machine`,
    hint: install,
  });

/** A server that only its own product can replace. */
export const noServerOfOurOwn = (product: string) =>
  new HoldfastError({
    code: 'SCRATCH_NO_SERVER',
    exit: 'unverifiable',
    message: `holdfast starts no ${product} server by itself`,
    hint: 'Name a server to restore into with --scratch URL.',
  });

/** `--scratch` where it cannot be. */
export const noNamedScratch = (engine: string) =>
  new HoldfastError({
    code: 'SCRATCH_NOT_NAMED',
    exit: 'unverifiable',
    message: `${engine} is restored only into a scratch server that holdfast starts itself`,
    hint: 'Leave --scratch out.',
  });

export const noServerUser = (names: readonly string[]) =>
  new HoldfastError({
    code: 'SCRATCH_NO_USER',
    exit: 'unverifiable',
    message: `no server runs as root, and no user ${names.join(' or ')} is there`,
    hint: 'Run this as another user.',
  });

export const serverFailed = (what: string, said: string, cause?: unknown) =>
  new HoldfastError({
    code: 'SCRATCH_SERVER_FAILED',
    exit: 'unverifiable',
    message: `the scratch server did not start: ${what}${said === '' ? '' : `: ${said}`}`,
    hint: 'Make room in the temporary folder, or set TMPDIR to another; PostgreSQL and MariaDB also take --scratch URL.',
    cause,
  });
