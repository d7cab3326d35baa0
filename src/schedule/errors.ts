import { HoldfastError } from '../errors.ts';

export const outsideFolder = (what: string, folder: string) =>
  new HoldfastError({
    code: 'SCHEDULE_OUTSIDE',
    exit: 'usage',
    message: `${what} does not lie below ${folder}, which is what a pod gets of this configuration`,
    hint: 'Put it beside holdfast.yaml, and name it there by its relative path.',
  });

export const insideFolder = (what: string, folder: string) =>
  new HoldfastError({
    code: 'SCHEDULE_INSIDE',
    exit: 'usage',
    message: `${what} lies below ${folder}, which a pod can only read`,
    hint: 'Give it a folder of its own, e.g. `state_dir: /var/lib/holdfast`.',
  });
