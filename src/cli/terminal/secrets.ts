/** The passphrase of a private key: from a file, from a command, or asked for; never from an argument. */
import { resolve } from 'node:path';
import { splitCommand } from '../../config/command.ts';
import { readSecretCommand, readSecretFile } from '../../config/secret-sources.ts';
import { rememberSecret, Secret } from '../../config/secret.ts';
import { cancelled, HoldfastError } from '../../errors.ts';
import { canAsk } from './io.ts';
import type { CliIo } from './io.ts';

export interface PassphraseOptions {
  /** The question; without one nobody is asked. */
  readonly prompt?: string;
  /** Ask twice, for a passphrase that is new. */
  readonly confirm?: boolean;
  /** Where a person may sit; the process's own streams by default. */
  readonly io?: Pick<CliIo, 'stdin' | 'stderr'>;
  readonly signal?: AbortSignal;
}

/**
 * Reads the passphrase from HOLDFAST_PASSPHRASE_FILE, else from HOLDFAST_PASSPHRASE_COMMAND, else asks on a
 * terminal; undefined when there is none of these. Of a file or command the first line counts, as in gpg.
 * Throws SECRET_* or CANCELLED.
 */
export async function readPassphrase(
  env: NodeJS.ProcessEnv,
  options: PassphraseOptions = {},
): Promise<Secret | undefined> {
  const file = env['HOLDFAST_PASSPHRASE_FILE'];
  if (file) return firstLine(await readSecretFile('HOLDFAST_PASSPHRASE_FILE', resolve(file)));
  const command = env['HOLDFAST_PASSPHRASE_COMMAND'];
  if (command) {
    const what = 'HOLDFAST_PASSPHRASE_COMMAND';
    const { signal } = options;
    const place = { env, folder: process.cwd(), ...(signal === undefined ? {} : { signal }) };
    return firstLine(await readSecretCommand(what, splitCommand(command), place));
  }
  const io = options.io ?? process;
  if (options.prompt === undefined || !canAsk(io)) return undefined;
  return ask(options.prompt, options.confirm === true, io, options.signal);
}

function firstLine(text: string): Secret {
  const line = /^[^\r\n]*/.exec(text)?.[0] ?? '';
  if (line === '') {
    throw new HoldfastError({
      code: 'PASSPHRASE_EMPTY',
      exit: 'usage',
      message: 'the first line of the passphrase is empty',
      hint: 'Put the passphrase on the first line, with nothing before it.',
    });
  }
  return remembered(line);
}

/** No message of this run shows it from here on. */
function remembered(passphrase: string): Secret {
  rememberSecret(passphrase);
  return new Secret(passphrase);
}

async function ask(
  message: string,
  confirm: boolean,
  io: Pick<CliIo, 'stdin' | 'stderr'>,
  signal: AbortSignal | undefined,
): Promise<Secret> {
  const { password } = await import('@inquirer/prompts');
  const context = { input: io.stdin, output: io.stderr, ...(signal === undefined ? {} : { signal }) };
  try {
    const first = await password({ message, mask: true }, context);
    if (!confirm) return remembered(first);
    const second = await password({ message: 'Once more:', mask: true }, context);
    if (first === second) return remembered(first);
  } catch (error) {
    throw promptFailure(error);
  }
  throw new HoldfastError({
    code: 'PASSPHRASE_DIFFERS',
    exit: 'usage',
    message: 'the two passphrases differ',
    hint: 'Run the command again and type the same passphrase twice.',
  });
}

/** Ctrl-C at a question, or a cancelled run, is a cancellation; anything else stays what it is. */
export function promptFailure(error: unknown): unknown {
  const name = error instanceof Error ? error.name : '';
  return name === 'ExitPromptError' || name === 'AbortPromptError' ? cancelled() : error;
}
