/** What `init` was told, held against the rules of a configuration before anything is made of it. */
import { HoldfastError, isHoldfastError } from '../errors.ts';
import { parseConfig } from './parse.ts';

/** Where a problem stands in a file that is not there yet helps nobody. */
const PLACE = /^ *holdfast\.yaml:\d+:\d+: /gm;

/**
 * Throws INIT_INVALID where this text would be refused as soon as it is read again: `init` never replaces a file, so it
 * must not leave one that no command takes.
 */
export function mustBeReadable(text: string, { openToAll }: { readonly openToAll: boolean }): void {
  try {
    parseConfig(text, { file: '/holdfast.yaml', shown: 'holdfast.yaml', env: {}, openToAll });
  } catch (error) {
    if (!isHoldfastError(error, 'CONFIG_INVALID')) throw error;
    const problems = error.message.split('\n').filter((line) => line.match(PLACE) !== null);
    throw new HoldfastError({
      code: 'INIT_INVALID',
      exit: 'usage',
      message: `no configuration can be made of these options: ${problems.map((line) => line.replace(PLACE, '')).join('; ')}`,
      hint: 'Nothing was written. Correct them, and run init again.',
      cause: error,
    });
  }
}
