import { HoldfastError } from '../errors.ts';

export const copyForeign = (url: string, is: string, wanted: string) =>
  new HoldfastError({
    code: 'COPY_FOREIGN',
    exit: 'target',
    message: `${url} holds store ${is}, and not a copy of store ${wanted}`,
    hint: 'A copy has a place of its own: name an empty folder, bucket or prefix under replicas.',
  });

export const copyOccupied = (url: string, key: string) =>
  new HoldfastError({
    code: 'COPY_OCCUPIED',
    exit: 'target',
    message: `${url} is not empty and no store: ${key} lies there`,
    hint: 'Nothing was written. Name an empty folder, bucket or prefix under replicas.',
  });

export const copyAhead = (url: string, key: string) =>
  new HoldfastError({
    code: 'COPY_AHEAD',
    exit: 'verification',
    message: `the copy ${url} has ${key}, which the source has not`,
    hint: 'The ledger of the source was cut back, or somebody wrote to the copy; nothing was copied. Compare both with holdfast verify.',
  });

export const copyUnsettled = (set: string, url: string) =>
  new HoldfastError({
    code: 'COPY_UNSETTLED',
    exit: 'failed',
    message: `the source of set ${set} kept changing while it was copied to ${url}`,
    hint: 'What was copied is whole. Run the same command again when nobody rotates keys or removes snapshots.',
  });
