import { HoldfastError, reasonOf } from '../errors.ts';

export const outputExists = (path: string) =>
  new HoldfastError({
    code: 'SEAL_TARGET_EXISTS',
    exit: 'target',
    message: `${path} is there already`,
    hint: 'Name another file with -o FILE; nothing is written over.',
  });

export const cannotWriteOutput = (path: string, cause: unknown) =>
  new HoldfastError({
    code: 'SEAL_NOT_WRITTEN',
    exit: 'failed',
    message: `cannot write ${path}: ${reasonOf(cause)}`,
    hint: 'Name a file in a folder that you may write to with -o FILE.',
    cause,
  });

export const cannotReadInput = (path: string, cause: unknown) =>
  new HoldfastError({
    code: 'SEAL_UNREADABLE',
    exit: 'usage',
    message: `cannot read ${path}: ${reasonOf(cause)}`,
    hint: 'Name files; pack a folder first: tar -c FOLDER | holdfast seal - -o FOLDER.tar.pgp',
    cause,
  });

export const nothingToSeal = () =>
  new HoldfastError({
    code: 'SEAL_EMPTY',
    exit: 'failed',
    message: 'nothing came through the pipe',
    hint: 'The command before it has most likely failed: run it alone to see why. Nothing was sealed.',
  });

export const partsMissing = (id: string, reason: string) =>
  new HoldfastError({
    code: 'SEAL_INCOMPLETE',
    exit: 'failed',
    message: `the store did not take all of ${id}: ${reason}`,
    hint: 'Seal it again; what lies there is of no use, and ends by itself.',
  });

export const livesTooLong = (days: number, longest: number) =>
  new HoldfastError({
    code: 'SEAL_TTL_TOO_LONG',
    exit: 'usage',
    message: `--ttl ${days}d is longer than any life that this bucket has a rule for (${longest}d)`,
    hint: `Take --ttl ${longest}d or less: without a rule it would stay for ever.`,
  });

export const noSuchSealed = (id: string) =>
  new HoldfastError({
    code: 'SEALED_UNKNOWN',
    exit: 'usage',
    message: `the store holds nothing sealed with the id ${id}`,
    hint: 'See what there is with: holdfast unseal --list',
  });

export const notInStore = (id: string, to: 'file' | 'pipe') =>
  new HoldfastError({
    code: 'SEALED_ELSEWHERE',
    exit: 'usage',
    message: `${id} went ${to === 'file' ? 'into a file' : 'through a pipe'}, not into the store`,
    hint: 'Find the file, and name it: holdfast unseal FILE. Its SHA-256 is in: holdfast unseal --list --json',
  });

export const pastItsEnd = (id: string, end: string) =>
  new HoldfastError({
    code: 'SEALED_EXPIRED',
    exit: 'policy',
    message: `the time of ${id} was over on ${end}`,
    hint: 'What was promised to be gone is not given out. Seal the export again from its source.',
  });
