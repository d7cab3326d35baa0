/**
 * The diary of a run, for those who ask with `-v`: what was done, in order, on stderr. pino writes it (loaded only
 * then); people get one line of text per entry, `--json` gets pino's own lines. Secrets are struck out twice: by
 * field name, and by what looks like one.
 */
import { maskSecrets } from '../../config/secret.ts';
import { printable } from './format.ts';
import type { OutputStream } from './io.ts';

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** Steps: a dump started, a manifest was written. Shown at `-v`. */
  info(message: string, fields?: LogFields): void;
  /** Details: each pack, each statement. Shown at `-vv`. */
  debug(message: string, fields?: LogFields): void;
}

export const SILENT_LOG: Log = { info: () => {}, debug: () => {} };

const SECRET_FIELDS = [
  'url',
  'password',
  'passphrase',
  'secret',
  'token',
  'authorization',
  'sessionKey',
  'privateKey',
];

/**
 * Opens the log.
 *
 * @param verbosity - how often `-v` was given: 0 silent, 1 info, 2 and more debug
 */
export async function openLog(
  verbosity: number,
  stderr: OutputStream,
  options: { readonly json: boolean; readonly beforeWrite?: () => void },
): Promise<Log> {
  if (verbosity === 0) return SILENT_LOG;
  const { pino } = await import('pino');
  const destination = {
    write(line: string): void {
      options.beforeWrite?.();
      stderr.write(`${options.json ? maskedLine(line) : humanLine(line)}\n`);
    },
  };
  const logger = pino(
    {
      level: verbosity === 1 ? 'info' : 'debug',
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
        censor: '********',
      },
    },
    destination,
  );
  return {
    info: (message, fields = {}) => logger.info(fields, message),
    debug: (message, fields = {}) => logger.debug(fields, message),
  };
}

/** Text by text: a pattern over the whole line could take a quote of JSON along. */
function maskedLine(line: string): string {
  return JSON.stringify(JSON.parse(line), (_, value: unknown) =>
    typeof value === 'string' ? maskSecrets(value) : value,
  );
}

/** pino's JSON as `holdfast: info: 03:00:12 dump started set=shop`. */
function humanLine(line: string): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const rest = Object.entries(fields).map(([key, value]) => {
    return `${key}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;
  });
  const text = [`holdfast: ${String(level)}:`, String(time).slice(11, 23), String(msg), ...rest].join(' ');
  return printable(maskSecrets(text)).replace(/\n/g, ' ');
}
