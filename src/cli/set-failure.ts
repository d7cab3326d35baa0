/** What is wrong with one set, or one copy of it, of a run that goes on with the others. */
import type { HoldfastError } from '../errors.ts';
import type { CliContext } from './context.ts';

/** What is not as it should be. */
export interface Failing {
  readonly set: string;
  readonly copy?: string;
}

/** Says it to people and in the JSON of the run; the first one decides the exit code. */
export function tellFailure(
  context: CliContext,
  about: Failing,
  { code, exit, message, hint }: HoldfastError,
): void {
  const where = `set ${about.set}${about.copy === undefined ? '' : `, copy ${about.copy}`}`;
  context.output.error(`${where}: ${message}`, hint);
  context.output.record({ type: 'error', ...about, code, message, hint });
  context.exit(exit);
}
