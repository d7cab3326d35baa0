import type { MessageOpener } from '../openpgp/message.ts';
import { isHoldfastError } from '../errors.ts';

/** One opener of several: each snapshot may be sealed to other people. The error of the first counts when none opens. */
export function firstThatOpens(openers: readonly MessageOpener[]): MessageOpener {
  return {
    certifiers: openers.flatMap(({ certifiers }) => certifiers),
    async open(sealed, trust, what) {
      let failure: unknown;
      for (const opener of openers) {
        try {
          return await opener.open(sealed, trust, what);
        } catch (error) {
          failure ??= error;
          if (!isHoldfastError(error) || error.exit !== 'noKey') throw error;
        }
      }
      throw failure;
    },
  };
}
