/** One run of the program: arguments in, exit code out. The only place where errors become words. */
import { commands } from './commands/index.ts';
import { RunContext } from './context.ts';
import { failureOf } from './failure.ts';
import type { Failure } from './failure.ts';
import type { CliIo } from './terminal/io.ts';
import { buildProgram } from './program.ts';
import type { Register } from './program.ts';
import { listenForInterruption, listenForStrayErrors } from './terminal/signals.ts';

/**
 * Runs the program once and returns its exit code. Never throws, never ends the process (except at a second
 * SIGINT), and returns only when the streams have taken everything.
 *
 * @param argv - arguments without node and script
 * @param io - streams and environment; `process` is one
 * @param verbs - what can be done; all verbs by default
 */
export async function run(
  argv: readonly string[],
  io: CliIo,
  verbs: readonly Register[] = commands,
): Promise<number> {
  using interruption = listenForInterruption(io.signal, () => {
    context.output.note('stopping; press again to end at once');
  });
  const context = new RunContext(io, interruption.signal, wantsJson(argv));
  const failed = (error: unknown): number => {
    const failure = failureOf(error, { argv, aborted: interruption.signal.aborted });
    tell(failure, context);
    return failure.exit;
  };
  using cleanup = new DisposableStack();
  if (io.signal === undefined) cleanup.use(listenForStrayErrors(failed));
  try {
    await buildProgram(context, verbs).parseAsync([...argv], { from: 'user' });
    await context.output.flush();
    return context.exitCode;
  } catch (error) {
    const exit = failed(error);
    // stdout may be what failed; stderr has the word by now.
    await context.output.flush().catch(() => undefined);
    return exit;
  }
}

function tell(failure: Failure, { progress, output, json }: RunContext): void {
  progress.clear();
  if (failure.silent) return;
  const { code, exit, message, hint, report } = failure;
  if (json) output.record({ type: 'error', code, exit, message, hint });
  else output.error(message, hint);
  if (report !== undefined) output.report(report);
}

/** Known before the arguments are parsed, since they may be what is wrong. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? undefined : end).includes('--json');
}
