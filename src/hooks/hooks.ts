/** Hooks that are commands of a person's. */
import type { Hooks } from '../backup/hooks.ts';
import { isHoldfastError, reasonOf } from '../errors.ts';
import { hookFailed } from './errors.ts';
import { runHook } from './run-hook.ts';

export interface HookCommands {
  readonly set: string;
  readonly before: readonly string[] | undefined;
  readonly after: readonly string[] | undefined;
  /** Each of them is ended after this many seconds. */
  readonly timeoutSeconds: number;
  /** Working folder of both. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  /** What they print, line by line. */
  readonly onLine: (line: string) => void;
}

/** Hooks that run programs, without a shell, with HOLDFAST_SET, HOLDFAST_OUTCOME and HOLDFAST_SNAPSHOT in their environment. */
export function commandHooks(commands: HookCommands): Hooks {
  const { set, before, after, timeoutSeconds, folder, onLine } = commands;
  const run = async (
    when: 'before' | 'after',
    argv: readonly string[],
    told: NodeJS.ProcessEnv,
    signal?: AbortSignal,
  ) => {
    const env = { ...commands.env, HOLDFAST_SET: set, ...told };
    const failure = await runHook(argv, { env, folder, timeoutSeconds, onLine, ...(signal && { signal }) });
    if (failure !== undefined) throw hookFailed(set, when, argv[0] ?? '', failure);
  };
  return {
    before: async (signal) => {
      if (before) await run('before', before, {}, signal);
    },
    after: async (outcome, snapshot) => {
      if (!after) return undefined;
      const told = { HOLDFAST_OUTCOME: outcome, ...(snapshot && { HOLDFAST_SNAPSHOT: snapshot }) };
      try {
        await run('after', after, told);
        return undefined;
      } catch (error) {
        return isHoldfastError(error) ? error : hookFailed(set, 'after', after[0] ?? '', reasonOf(error));
      }
    },
  };
}
