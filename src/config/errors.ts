/** What can be wrong with a configuration or with what it points to. All of it is exit code 2. */
import { HoldfastError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';
import { didYouMean } from '../nearest.ts';

/** All problems of one file; each line is `file:line:col: dotted.path: what is wrong`. */
export function configInvalid(lines: readonly string[]): HoldfastError {
  const [only] = lines;
  return usage(
    'CONFIG_INVALID',
    lines.length === 1 && only !== undefined
      ? only
      : `the configuration has ${lines.length} problems\n${lines.map((line) => `  ${line}`).join('\n')}`,
    lines.length === 1
      ? 'Correct this line and run the command again.'
      : 'Correct these lines and run the command again.',
  );
}

export function configMissing(tried: readonly string[], asked: boolean): HoldfastError {
  return usage(
    'CONFIG_MISSING',
    asked ? `no configuration file at ${tried.join(', ')}` : `no configuration found (${tried.join(', ')})`,
    asked
      ? 'Check the path, or run `holdfast init` to write a new configuration.'
      : 'Run `holdfast init` to write one, or name one with -c FILE.',
  );
}

export function configUnreadable(file: string, reason: string): HoldfastError {
  return usage(
    'CONFIG_UNREADABLE',
    `cannot read the configuration ${file}: ${reason}`,
    'A configuration is a text file in UTF-8 of at most 1 MiB; check its path and its permissions.',
  );
}

export function configOfOthers(file: string): HoldfastError {
  return usage(
    'CONFIG_OF_OTHERS',
    `${file} is somebody else's, or everybody may write to it, and a configuration can run commands`,
    `If you know whose it is, name it: -c ${shellWord(file)}. A folder that all may write to, such as /tmp, is no place for it.`,
  );
}

export function configUneditable(reason: string): HoldfastError {
  return usage(
    'CONFIG_UNEDITABLE',
    `the configuration cannot be edited: ${reason}`,
    'Edit `recipients:` and `former_recipients:` yourself; `holdfast keys list` shows what is in use.',
  );
}

export function unknownSet(name: string, known: readonly string[], file: string): HoldfastError {
  return usage(
    'SET_UNKNOWN',
    `there is no set '${name}' in ${file}`,
    didYouMean(name, known) ?? `The sets are: ${known.join(', ')}.`,
  );
}

export function signingKeyMissing(file: string): HoldfastError {
  return usage(
    'SIGNING_KEY_MISSING',
    `no signing_key in ${file}`,
    'Set signing_key to the private key of this host; `holdfast init` makes one.',
  );
}

export function durationInvalid(message: string, hint: string): HoldfastError {
  return usage('DURATION_INVALID', message, hint);
}

export function secretUnset(what: string, variable: string): HoldfastError {
  return usage(
    'SECRET_UNSET',
    `${what}: the environment variable ${variable} is not set`,
    `Set ${variable} for the user that runs holdfast (cron and systemd do not read your shell's profile).`,
  );
}

export function secretFileUnusable(what: string, path: string, reason: string): HoldfastError {
  return usage(
    'SECRET_FILE',
    `${what}: cannot read ${path}: ${reason}`,
    'Name a regular, non-empty file of at most 64 KiB that this user can read.',
  );
}

export function secretFileOpenToAll(what: string, path: string): HoldfastError {
  return usage(
    'SECRET_FILE_OPEN',
    `${what}: ${path} can be read by every user of this machine`,
    `Run: chmod o= ${path} (in Kubernetes set the volume's defaultMode to 0400).`,
  );
}

export function secretCommandFailed(what: string, program: string, reason: string): HoldfastError {
  return usage(
    'SECRET_COMMAND',
    `${what}: the command ${program} ${reason}`,
    'Run the command by hand as the same user; it must print the secret alone and exit with 0.',
  );
}

export function commandInvalid(message: string, hint: string): HoldfastError {
  return usage('COMMAND_INVALID', message, hint);
}

/** @param problem - with what it gave: `must start with …` */
export function sourceUrlInvalid(what: string, problem: string): HoldfastError {
  return usage(
    'SOURCE_URL_INVALID',
    `${what}: what it gave ${problem}`,
    'Give one URL such as postgres://user@host:5432/database or mysql://user@host:3306/database, alone on one line.',
  );
}

/** @param problem - with what it gave: `must start with …` */
export function monitorUrlInvalid(what: string, problem: string): HoldfastError {
  return usage(
    'MONITOR_URL',
    `${what}: what it gave ${problem}`,
    'Give one address such as https://hc-ping.com/your-check or smtps://user:password@mail.example.com, alone on one line.',
  );
}

function usage(code: string, message: string, hint: string): HoldfastError {
  return new HoldfastError({ code, exit: 'usage', message, hint });
}
