/** `holdfast completion`: what a shell sources to complete verbs, options and sets. */
import { Argument, type Command } from 'commander';
import type { CliContext } from '../context.ts';
import { withExamples } from '../program.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** What the scripts ask for while somebody types. */
const SETS = 'sets';

type Wanted = (typeof SHELLS)[number] | typeof SETS;

export function register(program: Command, context: CliContext): void {
  const command = program
    .command('completion')
    .addArgument(new Argument('<SHELL>', 'for which shell').choices([...SHELLS, SETS]))
    .description('print a completion script for bash, zsh or fish; or the names of sets')
    .action((wanted: Wanted) => completion(program, context, wanted));
  withExamples(command, [
    ['. <(holdfast completion bash)', 'in ~/.bashrc'],
    ['holdfast completion zsh > ~/.zfunc/_holdfast', 'a folder of $fpath'],
    ['holdfast completion fish > ~/.config/fish/completions/holdfast.fish', 'read by the next shell'],
  ]);
}

async function completion(program: Command, context: CliContext, wanted: Wanted): Promise<void> {
  const { output } = context;
  if (wanted === SETS) {
    const { sets } = await context.config();
    for (const set of sets.keys()) {
      output.line(set);
      output.record({ type: 'set', set });
    }
    output.summary({ sets: sets.size });
    return;
  }
  const [{ verbTree }, write] = await Promise.all([import('../verb-tree.ts'), scriptFor(wanted)]);
  const script = write(verbTree(program));
  if (!context.json) await output.write(script);
  output.summary({ shell: wanted, script });
}

async function scriptFor(shell: (typeof SHELLS)[number]) {
  switch (shell) {
    case 'bash':
      return (await import('../completion/bash.ts')).bashCompletion;
    case 'zsh':
      return (await import('../completion/zsh.ts')).zshCompletion;
    case 'fish':
      return (await import('../completion/fish.ts')).fishCompletion;
  }
}
