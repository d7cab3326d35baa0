import { HoldfastError } from '../../errors.ts';

export const residencyRefused = (url: string, location: string, allowed: readonly string[]) =>
  new HoldfastError({
    code: 'RESIDENCY_REFUSED',
    exit: 'policy',
    message: `store ${url} is in ${location}, but promises.residency allows only ${allowed.join(', ')}`,
    hint: 'Use a bucket in an allowed region; nothing was read from this one or written to it.',
  });

export const residencyUnknown = (url: string, why: string, cause?: unknown) =>
  new HoldfastError({
    code: 'RESIDENCY_UNKNOWN',
    exit: 'unverifiable',
    message: `could not verify that store ${url} is where promises.residency says: ${why}`,
    hint: 'Allow s3:GetBucketLocation, and use a bucket whose server tells its region; without that nobody can say where the data is.',
    cause,
  });
