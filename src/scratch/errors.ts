import { HoldfastError } from '../errors.ts';

export const noServerPrograms = (major: number) =>
  new HoldfastError({
    code: 'SCRATCH_NO_SERVER',
    exit: 'unverifiable',
    message: `no server programs of PostgreSQL ${major} or newer (initdb, postgres) are on this machine`,
    hint: `Install them (Debian: postgresql-${major}), or name a server to restore into with --scratch URL.`,
  });

export const noScratchFor = (engine: string) =>
  new HoldfastError({
    code: 'SCRATCH_UNSUPPORTED',
    exit: 'unverifiable',
    message: `this version sets up no ${engine} to restore into`,
    hint: 'Start an empty server, restore into it with holdfast restore --to URL, and look there.',
  });

export const noServerUser = () =>
  new HoldfastError({
    code: 'SCRATCH_NO_USER',
    exit: 'unverifiable',
    message: 'PostgreSQL refuses to run as root, and neither the user postgres nor nobody is there',
    hint: 'Run this as another user, or name a server to restore into with --scratch URL.',
  });

export const serverFailed = (what: string, said: string, cause?: unknown) =>
  new HoldfastError({
    code: 'SCRATCH_SERVER_FAILED',
    exit: 'unverifiable',
    message: `the scratch server did not start: ${what}${said === '' ? '' : `: ${said}`}`,
    hint: 'Make room in the temporary folder (TMPDIR), or name a server to restore into with --scratch URL.',
    cause,
  });
