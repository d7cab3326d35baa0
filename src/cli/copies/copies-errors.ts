import { HoldfastError } from '../../errors.ts';

export const copyUnknown = (set: string, name: string, known: readonly string[]) =>
  new HoldfastError({
    code: 'COPY_UNKNOWN',
    exit: 'usage',
    message: `set ${set} has no copy named ${name}`,
    hint:
      known.length === 0
        ? `Name its copies in the configuration: sets.${set}.replicas: [{ name: …, store: … }].`
        : `Its copies are: ${known.join(', ')}.`,
  });

export const noCopies = (file: string, name?: string) =>
  new HoldfastError({
    code: 'NO_COPIES',
    exit: 'usage',
    message: `${file} names no copy${name === undefined ? '' : ` ${name}`}`,
    hint: 'Give a set a place for its copy: replicas: [{ name: offsite, store: … }].',
  });

export const copyLedgerBehind = (set: string, copy: string, line: string) =>
  new HoldfastError({
    code: 'COPY_LEDGER_BEHIND',
    exit: 'policy',
    message: `the copy ${copy} of set ${set} does not know ${line} of the ledger, which this machine has seen in the store`,
    hint: 'Somebody may have been erased since the copy was made. Run holdfast copy; when the store is lost, repeat with --accept-rollback and erase again.',
  });
