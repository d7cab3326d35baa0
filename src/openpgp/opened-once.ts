/** An opener that opens each message once: with a smartcard or an agent that is a second or a touch each time. */
import { hash } from 'node:crypto';
import { BoundedCache } from '../bounded-cache.ts';
import type { MessageOpener, OpenedMessage } from './message.ts';

/**
 * Gives again what it has opened: for the same bytes, where their signer is trusted by who asks now.
 * @param bytesMax - memory for plaintext; what was opened first is forgotten first
 */
export function openedOnce(opener: MessageOpener, bytesMax: number): MessageOpener {
  const known = new BoundedCache<OpenedMessage>(bytesMax, ({ plain }) => plain.length);
  return {
    certifiers: opener.certifiers,
    async open(sealed, trust, what) {
      const digest = hash('sha256', sealed, 'base64');
      const before = known.get(digest);
      if (before && trust.has(before.signer)) return before;
      const opened = await opener.open(sealed, trust, what);
      known.set(digest, opened);
      return opened;
    },
  };
}
