/** From whatever was thrown to what people and scripts are told about it. */
import { CommanderError } from 'commander';
import { cancelled, EXIT, HoldfastError, reasonOf } from '../errors.ts';
import { TOOL } from '../version.ts';
import { shortened } from './terminal/format.ts';
import { ReaderGone, told } from './terminal/output.ts';

/** Exit code of a filter whose reader went away, as the shell shows SIGPIPE. Said to nobody. */
const EXIT_READER_GONE = 141;

export interface Failure {
  readonly exit: number;
  /** Nothing is printed: help was shown, or nobody listens. */
  readonly silent: boolean;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  /** The block that goes into a bug report; for bugs only. */
  readonly report?: string;
}

export interface Circumstances {
  readonly argv: readonly string[];
  /** The run had been cancelled before the error came. */
  readonly aborted: boolean;
}

/** Decides how a failed run ends. */
export function failureOf(error: unknown, circumstances: Circumstances): Failure {
  if (error instanceof ReaderGone) return silent(EXIT_READER_GONE);
  if (error instanceof CommanderError) return fromCommander(error, circumstances.argv);
  // Work that was cut short fails in many ways; the reason is that it was cut short.
  if (circumstances.aborted) return fromHoldfast(cancelled());
  if (error instanceof HoldfastError) return fromHoldfast(error);
  return fromSystem(error) ?? bug(error, circumstances);
}

function fromHoldfast(error: HoldfastError): Failure {
  return visible(error.exitCode, error.code, error.message, error.hint);
}

/** Commander throws to end help and --version too; those are no failures. */
function fromCommander(error: CommanderError, argv: readonly string[]): Failure {
  if (error.exitCode === 0) return silent(EXIT.ok);
  if (error.code === 'commander.help') {
    return visible(
      EXIT.usage,
      'USAGE',
      'no verb given',
      'The help above names them; `holdfast VERB --help` shows one.',
    );
  }
  // What was typed stands in it, and may have several lines; the suggestion is the last one.
  const [said = '', suggestion] = error.message.split(/\n\(Did you mean (?:one of )?(.*?)\?\)$/);
  const message = said.replace(/^error: /, '');
  const verb = argv.find((word) => /^[a-z]/.test(word));
  const help =
    error.code === 'commander.unknownCommand' || verb === undefined
      ? 'holdfast --help'
      : `holdfast ${verb} --help`;
  const hint =
    suggestion === undefined
      ? `Run \`${help}\` to see what there is.`
      : `Did you mean ${suggestion}? \`${help}\` shows what there is.`;
  return visible(EXIT.usage, 'USAGE', message.replace(/\.$/, ''), hint);
}

const SYSTEM_HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'Make room on that disk; nothing half-written counts, so the same command can run again.',
  EDQUOT: 'Raise the quota or make room; nothing half-written counts, so the same command can run again.',
  EROFS: 'That file system is mounted read-only.',
  EACCES: 'Give the user that runs holdfast the right to do this.',
  EPERM: 'Give the user that runs holdfast the right to do this.',
  EMFILE: 'Raise the limit of open files: ulimit -n 4096.',
  ENFILE: 'The system has too many open files.',
  EIO: 'The disk reports an error; look into the system log.',
};

/** What the machine refused is no bug of ours, though no room gave it better words. */
function fromSystem(error: unknown): Failure | undefined {
  const { code, syscall } = Object(error) as Partial<NodeJS.ErrnoException>;
  const hint = typeof code === 'string' && syscall !== undefined ? SYSTEM_HINTS[code] : undefined;
  if (code === undefined || hint === undefined) return undefined;
  return visible(EXIT.failed, code, reasonOf(error), hint);
}

function bug(error: unknown, { argv }: Circumstances): Failure {
  const report = [
    '---- report ----',
    `${TOOL}, node ${process.version}, ${process.platform} ${process.arch}`,
    `command: holdfast ${argv.join(' ')}`,
    ...causes(error).map((one) =>
      shortened(one instanceof Error ? (one.stack ?? String(one)) : `thrown: ${String(one)}`),
    ),
    '---- end of report ----',
  ];
  return {
    ...visible(
      EXIT.failed,
      'BUG',
      `unexpected: ${reasonOf(error)}`,
      'This is a bug in holdfast; please report it with the lines below after looking through them.',
    ),
    report: report.join('\n'),
  };
}

function causes(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (
    let one = error;
    one !== undefined && chain.length < 5;
    one = one instanceof Error ? one.cause : undefined
  ) {
    chain.push(one);
  }
  return chain;
}

function visible(exit: number, code: string, message: string, hint: string): Failure {
  return { exit, silent: false, code, message: told(message), hint: told(hint) };
}

function silent(exit: number): Failure {
  return { exit, silent: true, code: '', message: '', hint: '' };
}
