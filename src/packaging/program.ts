/** The command line as it ships, for what is made of it. */
import { commands } from '../cli/commands/index.ts';
import { RunContext } from '../cli/context.ts';
import { buildProgram } from '../cli/program.ts';
import { verbTree } from '../cli/verb-tree.ts';
import type { VerbOf } from '../cli/verb-tree.ts';

/** The program with all its verbs; nothing runs. */
export function wholeProgram(): VerbOf {
  return verbTree(buildProgram(new RunContext(process, new AbortController().signal, false), commands));
}
