import { HoldfastError } from '../errors.ts';

export const fileExists = (file: string, what: string) =>
  new HoldfastError({
    code: 'INIT_EXISTS',
    exit: 'usage',
    message: `${file} exists already; init never replaces ${what}`,
    hint: 'Choose another folder or file, or remove it yourself if you are sure that nothing needs it.',
  });

export const cannotWrite = (file: string, cause: unknown) =>
  new HoldfastError({
    code: 'INIT_CANNOT_WRITE',
    exit: 'failed',
    message: `cannot write ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
    hint: 'Make sure that its folder exists and that you may write there.',
    cause,
  });

export const defaultLock = (url: string, mode: string, days: number) =>
  new HoldfastError({
    code: 'DEFAULT_LOCK',
    exit: 'policy',
    message: `${url} locks everything for ${days} days by default (${mode}), manifests too: then nobody could be erased in time`,
    hint: 'Take the default retention off the bucket (Object Lock itself may stay on): packs are locked one by one with `object_lock:`.',
  });
