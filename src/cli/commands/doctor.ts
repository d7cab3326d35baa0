/** `holdfast doctor`: everything that must be true, checked. */
import type { Command } from 'commander';
import type { Check } from '../posture/check.ts';
import type { CliContext } from '../context.ts';
import { runDoctor } from '../posture/doctor.ts';
import { told } from '../terminal/output.ts';

export function register(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('check tools, keys, databases and store: found, wrong, or could not check')
    .action(() => doctor(context));
}

const WORD: Readonly<Record<Check['verdict'], readonly [string, 'green' | 'red' | 'yellow']>> = {
  ok: ['ok     ', 'green'],
  warning: ['warning', 'yellow'],
  wrong: ['WRONG  ', 'red'],
  unknown: ['unknown', 'yellow'],
};

async function doctor(context: CliContext): Promise<void> {
  const { output } = context;
  const counts = { ok: 0, warning: 0, wrong: 0, unknown: 0 };
  for await (const one of runDoctor(context)) {
    // It may be what a server says.
    const check = { ...one, found: told(one.found) };
    counts[check.verdict]++;
    const [word, style] = WORD[check.verdict];
    output.line(`${output.paint(style, word)}  ${check.what}: ${check.found}`);
    if (check.hint !== undefined) output.line(`         ${check.hint}`);
    output.record({ ...check, type: 'check' });
  }
  if (counts.wrong > 0) context.exit('failed');
  else if (counts.unknown > 0) context.exit('unverifiable');
  output.summary(counts);
}
