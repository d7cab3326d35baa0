import { HoldfastError } from '../errors.ts';
import type { LifecycleProblem } from './lifecycle.ts';

export const noLifecycle = (url: string) =>
  new HoldfastError({
    code: 'LIFECYCLE_UNSUPPORTED',
    exit: 'usage',
    message: `${url} has no lifecycle rules: nothing there expires by itself`,
    hint: 'Remove what is past its promise with: holdfast expire --confirm; or after each backup with `expire: auto` (folders).',
  });

export const tooManyRules = (problem: LifecycleProblem) =>
  new HoldfastError({
    code: 'LIFECYCLE_TOO_MANY',
    exit: 'usage',
    message: problem.what,
    hint: 'Shorten `keep:` or `full_every:`, or give the store a bucket of its own; nothing was changed.',
  });

export const lifecycleNotTaken = (url: string, what: string) =>
  new HoldfastError({
    code: 'LIFECYCLE_NOT_TAKEN',
    exit: 'unverifiable',
    message: `${url} took the lifecycle rules and shows others: ${what}`,
    hint: 'Somebody else may be changing them at the same time: run holdfast store lifecycle check. A server that drops parts of rules cannot be relied on.',
  });

export const expireRefused = (code: string, reason: string, hint: string) =>
  new HoldfastError({ code, exit: 'policy', message: reason, hint });
