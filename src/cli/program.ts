/** The command line as commander knows it: what every verb shares. Each verb adds itself. */
import { Command, Help } from 'commander';
import type { Option } from 'commander';
import type { CliContext, GlobalOptions, RunContext } from './context.ts';
import { EXIT } from '../errors.ts';
import type { ExitReason } from '../errors.ts';
import { VERSION } from '../version.ts';

/** What a file in commands/ exports: adds one verb (or one with sub-verbs) to the program. */
export type Register = (program: Command, context: CliContext) => void;

const EXAMPLES = [
  ['holdfast init', 'ask, write holdfast.yaml and keys, prepare the store'],
  ['holdfast backup', 'back all sets up'],
  ['holdfast restore shop@latest', 'into a new database'],
  ['holdfast status', 'for monitors: one line per set'],
] as const;

export const EXIT_MEANING: Readonly<Record<ExitReason, string>> = {
  ok: 'ok',
  failed: 'failed',
  usage: 'usage or configuration',
  incomplete: 'incomplete',
  verification: 'verification or drill failed',
  unverifiable: 'could not verify',
  target: 'target refused',
  policy: 'policy refused',
  noStore: 'no store',
  locked: 'locked',
  noKey: 'no key',
  cancelled: 'cancelled',
};

/** A fresh program with these verbs; it throws CommanderError instead of ending the process. */
export function buildProgram(context: RunContext, verbs: readonly Register[]): Command {
  const { io, output } = context;
  const program = new Command('holdfast')
    .description('Encrypted database backups: hold on to what you must keep, let go of whom you must forget.')
    .usage('VERB [options]')
    .helpCommand('help [VERB]', 'this help, or that of a verb')
    .option(
      '-c, --config <FILE>',
      'configuration (default: $HOLDFAST_CONFIG, ./holdfast.yaml, /etc/holdfast/holdfast.yaml)',
    )
    .option('--json', 'JSON lines on stdout; the last one is a summary or an error')
    .option('-q, --quiet', 'for cron: nothing but errors and what somebody must look at')
    .option('-v, --verbose', 'say what is done; -vv in detail', (_, count: number) => count + 1, 0)
    .version(VERSION, '--version', 'print the version')
    .helpOption('-h, --help', 'this help, or that of a verb')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: () => undefined, // run() says it, in our form
      getOutHelpWidth: () => Math.min(io.stdout.columns ?? 100, 110),
      getErrHelpWidth: () => Math.min(io.stderr.columns ?? 100, 110),
      getOutHasColors: () => io.stdout.isTTY === true,
      getErrHasColors: () => io.stderr.isTTY === true,
    })
    .configureHelp({
      showGlobalOptions: true,
      styleTitle: (title) => output.paint('bold', title),
      optionDescription: describeOption,
    })
    .addHelpText('after', () => `\n${examplesText(EXAMPLES)}`)
    .addHelpText('afterAll', `\n${exitText()}`)
    .hook('preAction', (root) => context.start(root.opts<GlobalOptions & { verbose: number }>()));
  for (const register of verbs) register(program, context);
  return program;
}

/** What commander says of an option, without the empty list that repeated ones begin with: it tells nobody anything. */
function describeOption(option: Option): string {
  return new Help().optionDescription(option).replace(' (default: [])', '');
}

/** Adds examples to a verb's help: `[command line, what it does]`. */
export function withExamples(command: Command, examples: readonly (readonly [string, string])[]): Command {
  return command.addHelpText('after', `\n${examplesText(examples)}`);
}

function examplesText(examples: readonly (readonly [string, string])[]): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  return ['Examples:', ...examples.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`)].join(
    '\n',
  );
}

function exitText(): string {
  const parts = Object.entries(EXIT_MEANING).map(([reason, text]) => `${EXIT[reason as ExitReason]} ${text}`);
  const half = Math.ceil(parts.length / 2);
  return ['Exit status:', `  ${parts.slice(0, half).join(' · ')}`, `  ${parts.slice(half).join(' · ')}`].join(
    '\n',
  );
}
