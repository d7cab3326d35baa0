/** An opener that opens each message once: with a smartcard or an agent that is a second or a touch each time. */
import { hash } from 'node:crypto';
import type { MessageOpener, OpenedMessage } from './message.ts';

/**
 * Gives again what it has opened: for the same bytes, where their signer is trusted by who asks now.
 * @param bytesMax - memory for plaintext; what was opened first is forgotten first
 */
export function openedOnce(opener: MessageOpener, bytesMax: number): MessageOpener {
  const known = new Map<string, OpenedMessage>();
  let bytes = 0;
  return {
    certifiers: opener.certifiers,
    async open(sealed, trust, what) {
      const digest = hash('sha256', sealed, 'base64');
      const before = known.get(digest);
      if (before && trust.has(before.signer)) return before;
      const opened = await opener.open(sealed, trust, what);
      if (known.has(digest) || opened.plain.length > bytesMax) return opened;
      known.set(digest, opened);
      bytes += opened.plain.length;
      for (const [oldest, { plain }] of known) {
        if (bytes <= bytesMax) break;
        known.delete(oldest);
        bytes -= plain.length;
      }
      return opened;
    },
  };
}
