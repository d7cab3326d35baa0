/** The command line as it ships, for what is made of it. */
import type { Command } from 'commander';
import { commands } from '../cli/commands/index.ts';
import { RunContext } from '../cli/context.ts';
import { buildProgram } from '../cli/program.ts';

/** The program with all its verbs; nothing runs. */
export function wholeProgram(): Command {
  return buildProgram(new RunContext(process, new AbortController().signal, false), commands);
}
