/** `restore --swap`: the restored one takes the name of the one in use, once a person has said so. */
import { resolve } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import type { SourceInfo } from '../../sources/source.ts';
import type { Swap } from '../../sources/swap.ts';
import type { CliContext } from '../context.ts';
import { canAsk } from '../terminal/io.ts';
import { promptFailure } from '../terminal/secrets.ts';

export interface SwapFlags {
  /** Name or path of the one in use. */
  readonly swap?: string;
  readonly endSessions?: boolean;
  readonly yes?: boolean;
}

/**
 * What swaps; undefined when nobody has asked for it.
 * @param to - where the restore goes: a URL or a path
 * @param isPart - only some tables, paths or keys are restored
 * @throws HoldfastError SWAP_IMPOSSIBLE, NOT_CONFIRMED
 */
export async function openSwap(
  context: CliContext,
  { kind, facts }: Pick<SourceInfo, 'kind' | 'facts'>,
  to: string,
  { swap: name, yes, dryRun }: SwapFlags & { readonly dryRun?: boolean },
  isPart: boolean,
): Promise<Swap | undefined> {
  if (name === undefined) return undefined;
  if (name.trim() === '') throw impossible('--swap names nothing', 'Name the one in use: --swap NAME.');
  if (isPart)
    throw impossible('a part cannot take the place of the whole', 'Restore all of it, or leave out --swap.');
  if (yes !== true && dryRun !== true && !canAsk(context.io))
    throw notConfirmed('nobody is there to ask', CONFIRM);
  const { asideSuffix } = await import('../../sources/swap.ts');
  const suffix = asideSuffix(new Date());
  switch (kind) {
    case 'postgres': {
      const { postgresSwap } = await import('../../sources/postgres/swap.ts');
      const { ownComment } = await import('../../sources/postgres/load-database.ts');
      return postgresSwap({ url: to, name, suffix, comment: ownComment(facts), env: context.env });
    }
    case 'sqlite': {
      const { pathSwap } = await import('../../sources/path-swap.ts');
      const { usersOf } = await import('../../sources/sqlite/in-use.ts');
      const beside = ['-wal', '-shm', '-journal'];
      return pathSwap({ restored: resolve(to), name, suffix, beside, users: usersOf });
    }
    case 'files': {
      const { pathSwap } = await import('../../sources/path-swap.ts');
      return pathSwap({ restored: resolve(to), name, suffix });
    }
    case 'mysql':
      throw impossible(
        'MySQL and MariaDB cannot rename a database',
        'Let the application connect to the new one.',
      );
    case 'redis':
      throw impossible(
        'a Redis server has no name to give away',
        'Let the application connect to the new server.',
      );
  }
}

/** Text is not what an application uses. Throws SWAP_IMPOSSIBLE. */
export function mustNotSwap({ swap }: SwapFlags): void {
  if (swap === undefined) return;
  throw impossible(
    'a file of text cannot take the place of what is in use',
    'Restore with --to URL or PATH.',
  );
}

/** Before hours of loading: a use that lasts will be a refusal in the end. */
export async function warnOfUse(context: CliContext, swap: Swap, flags: SwapFlags): Promise<void> {
  if (flags.yes !== true || flags.endSessions === true) return;
  const users = await swap.users(context.signal);
  if (users === undefined) return;
  context.output.warn(
    `${flags.swap ?? ''} is in use: ${users}; unless that has ended by then, the names will not be swapped`,
  );
}

/** What would come after the restore. */
export async function showSwap({ output, signal }: CliContext, swap: Swap, flags: SwapFlags): Promise<void> {
  const name = flags.swap ?? '';
  const users = await swap.users(signal);
  const use = users === undefined ? 'nobody is seen to use it' : `it is in use: ${users}`;
  output.line();
  output.line(`swap      then it takes the name ${name}, and what has that name is set aside; ${use}`);
}

/** Asks, swaps, and prints the way back. */
export async function carryOut(
  context: CliContext,
  swap: Swap,
  flags: SwapFlags,
): Promise<{ readonly aside: string | undefined }> {
  const { output, signal } = context;
  const name = flags.swap ?? '';
  const users = await swap.users(signal);
  if (users !== undefined) output.note(`${name} is in use: ${users}`);
  await mustBeTyped(context, swap, users, flags);
  const asked = flags.yes !== true;
  const { aside, wayBack } = await swap.run(flags.endSessions === true || asked, signal);
  output.line(`the restored one is ${name} now${aside === undefined ? '' : `; what was in use is ${aside}`}`);
  if (aside === undefined) output.note(`nothing was called ${name}, so nothing was set aside`);
  output.line('the way back:');
  for (const command of wayBack) output.line(`  ${command}`);
  return { aside };
}

/** What is written to the old one from now on is lost to the application: so the name is typed. */
async function mustBeTyped(
  { io, output, signal }: CliContext,
  swap: Swap,
  users: string | undefined,
  { swap: name = '', yes, endSessions }: SwapFlags,
): Promise<void> {
  if (yes === true) return;
  const ends = users === undefined || endSessions === true ? '' : `, and ends ${users}`;
  output.note(
    `this sets ${name} aside under another name${ends}; what was written to it since the snapshot stays there`,
  );
  const { input } = await import('@inquirer/prompts');
  try {
    const typed = await input(
      { message: `Type its name to go on (${name}):` },
      { input: io.stdin, output: io.stderr, signal },
    );
    if (typed.trim() === name) return;
  } catch (error) {
    throw promptFailure(error);
  }
  throw notConfirmed('it was not confirmed', `What was restored stays as it is. ${await swap.again(signal)}`);
}

const CONFIRM =
  'On a terminal the name is asked for; elsewhere add --yes, and --end-sessions when the old one is in use.';

function notConfirmed(message: string, hint: string): HoldfastError {
  return new HoldfastError({
    code: 'NOT_CONFIRMED',
    exit: 'usage',
    message: `nothing was swapped: ${message}`,
    hint,
  });
}

function impossible(message: string, hint: string): HoldfastError {
  return new HoldfastError({ code: 'SWAP_IMPOSSIBLE', exit: 'usage', message, hint });
}
