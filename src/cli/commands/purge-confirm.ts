/** Whether a person means it: asked twice on a terminal; elsewhere `--yes` says that somebody has looked. */
import { HoldfastError } from '../../errors.ts';
import type { CliContext } from '../context.ts';
import { canAsk } from '../terminal/io.ts';
import { promptFailure } from '../terminal/secrets.ts';

/**
 * Asks, and wants the name of the set typed.
 * @throws HoldfastError NOT_CONFIRMED, and what ends a prompt
 */
export async function mustBeMeant(
  { io, signal }: Pick<CliContext, 'io' | 'signal'>,
  { question, set, yes }: { readonly question: string; readonly set: string; readonly yes: boolean },
): Promise<void> {
  if (yes) return;
  if (!canAsk(io)) throw notConfirmed('nobody is there to ask', 'Look at the plan, and repeat with --yes.');
  const { confirm, input } = await import('@inquirer/prompts');
  const prompt = { input: io.stdin, output: io.stderr, signal };
  try {
    const first = await confirm({ message: question, default: false }, prompt);
    const typed = first ? await input({ message: `Type the name of the set (${set}):` }, prompt) : '';
    if (typed.trim() === set) return;
  } catch (error) {
    throw promptFailure(error);
  }
  throw notConfirmed('it was not confirmed', 'Nothing was changed.');
}

function notConfirmed(message: string, hint: string): HoldfastError {
  return new HoldfastError({ code: 'NOT_CONFIRMED', exit: 'usage', message, hint });
}
