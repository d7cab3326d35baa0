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

/** Secrets that this process has read; see `rememberSecret`. Longest first, since one may be in another. */
let remembered: readonly string[] = [];
const REMEMBERED_MAX = 1000;

/**
 * From now on `maskSecrets` strikes this text out wherever it turns up. A short or plain word is not remembered: stars
 * in the place of every `postgres` would make messages useless, and would tell what the password is.
 */
export function rememberSecret(text: string): void {
  const secret = text.trim();
  if (secret.length < 8 || /^[a-z]+$/.test(secret) || remembered.includes(secret)) return;
  // As it stands in JSON as well: a tool may have written some.
  const forms = new Set([...remembered, secret, JSON.stringify(secret).slice(1, -1)]);
  if (forms.size <= REMEMBERED_MAX) remembered = [...forms].sort((a, b) => b.length - a.length);
}

/** As `rememberSecret`, for a URL: its password and what stands behind the host of a web address. */
export function rememberSecretUrl(text: string): void {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url === undefined) return;
  rememberSecret(url.password);
  rememberSecret(decoded(url.password));
  if (/^https?:$/.test(url.protocol)) rememberSecret(`${url.pathname}${url.search}`.replace(/^\//, ''));
}

/** Variables in which other programs look for secrets, too. */
export function rememberEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of SECRET_VARIABLES) rememberSecret(env[name] ?? '');
}

const SECRET_VARIABLES = [
  ...['AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'PGPASSWORD', 'MYSQL_PWD', 'REDISCLI_AUTH'],
];

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Text with secrets replaced by stars: those that this process has read, and what looks like one: the password of a
 * URL (up to the last `@` before a space, since people forget to escape one) and `password=…` or the like. The last
 * line of defence, for logs and reports; nothing may rely on it.
 */
export function maskSecrets(text: string): string {
  return remembered
    .reduce((masked, secret) => masked.replaceAll(secret, STARS), text)
    .replace(/[^\s'"`]+/g, maskUrl)
    .replace(/((?:password|passwd|passphrase|secret|token)=)('[^']*'|"[^"]*"|[^\s&'"]+)/gi, `$1${STARS}`);
}

const UP_TO_PASSWORD = /[a-z][a-z0-9+.-]{0,30}:\/\/[^/@:]*:/i;

/** Not one pattern for all of it: that takes the square of the length, and a server may quote a value of megabytes. */
function maskUrl(word: string): string {
  const end = word.lastIndexOf('@');
  if (end === -1) return word;
  const found = UP_TO_PASSWORD.exec(word.slice(0, end));
  return found === null ? word : word.slice(0, found.index) + found[0] + STARS + word.slice(end);
}
