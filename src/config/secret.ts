/** Text that must not be printed by accident. */
import { inspect } from 'node:util';

const STARS = '********';

/** Holds a secret and prints as stars wherever it lands: templates, JSON, util.inspect, logs. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The secret itself: call it only where the value leaves for the one that needs it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return STARS;
  }

  toJSON(): string {
    return STARS;
  }

  [Symbol.toPrimitive](): string {
    return STARS;
  }

  [inspect.custom](): string {
    return `Secret(${STARS})`;
  }
}

/**
 * Text with what looks like a secret replaced by stars: the password of a URL (up to the last `@` before a
 * space, since people forget to escape one) and `password=…` or the like. The last line of defence, for logs
 * and reports; nothing may rely on it.
 */
export function maskSecrets(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]{0,30}:\/\/[^\s/@:'"]*):[^\s'"`]*@/gi, `$1:${STARS}@`)
    .replace(/((?:password|passwd|passphrase|secret|token)=)('[^']*'|"[^"]*"|[^\s&'"]+)/gi, `$1${STARS}`);
}
