/** Options and arguments that several verbs share. Parsers throw what commander turns into a usage error. */
import { resolve } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { NAME, NAME_RULE } from '../config/names.ts';

/** `shop@latest` taken apart; `when` is `latest` when it was not said. */
export interface SnapshotName {
  readonly set: string;
  readonly when: string;
}

/** Parses `SET[@WHEN]`; what WHEN means is for the repository to say. */
export function parseSnapshotName(text: string): SnapshotName {
  const at = text.indexOf('@');
  const set = at === -1 ? text : text.slice(0, at);
  const when = at === -1 ? 'latest' : text.slice(at + 1);
  if (!NAME.test(set)) throw new InvalidArgumentError(`The set ${NAME_RULE}.`);
  if (!/^[A-Za-z0-9._:+-]{1,80}$/.test(when)) {
    throw new InvalidArgumentError('WHEN is latest, oldest, a snapshot id, a date or an RFC 3339 time.');
  }
  return { set, when };
}

/** Parser of a whole number between two bounds. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most)) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Parser of a ticket's or letter's name, which ledgers keep and pages for people show. */
export function reference(text: string): string {
  if (text.length > 200 || /\p{Cc}/u.test(text))
    throw new InvalidArgumentError('It has up to 200 characters, on one line.');
  return text;
}

/** Collector of an option that may be repeated: `--table a --table b`. Use with a default of `[]`. */
export function repeated(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** What `withReaderKey` adds. */
export interface ReaderKeyOptions {
  readonly key?: string;
  readonly gpg?: boolean;
}

/** Adds `--key FILE` and `--gpg`: what opens manifests. */
export function withReaderKey(command: Command): Command {
  return command
    .option('--key <FILE>', 'private key that opens the backup (default: $HOLDFAST_KEY)')
    .option('--gpg', 'let gpg and its agent open it, e.g. with a smartcard');
}

/** What `withCopy` adds. */
export interface CopyOption {
  readonly copy?: string;
}

/** Adds `--copy NAME`: read from a copy of the set, and ask the store itself for nothing. */
export function withCopy(command: Command): Command {
  return command.option(
    '--copy <NAME>',
    'read from this copy (replica) instead of the store, which may be gone',
  );
}

/** Where the reader's private key is: the option, else HOLDFAST_KEY; undefined when nobody said. Absolute. */
export function readerKeyFile(options: ReaderKeyOptions, env: NodeJS.ProcessEnv): string | undefined {
  const file = options.key ?? env['HOLDFAST_KEY'];
  return file === undefined || file === '' ? undefined : resolve(file);
}
