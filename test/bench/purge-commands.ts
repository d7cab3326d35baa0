/** A purge as the privacy officer types it. */
import type { Bench } from './bench.ts';
import type { Command } from './measure.ts';
import { holdfastCommand } from './peers/holdfast.ts';

/** Plan, then apply. */
export function purgeCommands(
  bench: Bench,
  folder: string,
  ids: readonly string[],
  env: Readonly<Record<string, string>> = {},
): readonly (readonly [step: 'plan' | 'apply', command: Command])[] {
  const place = { folder, env: { ...bench.large.options.env, ...env, HOME: folder } };
  const subjects = ids.flatMap((id) => ['--subject', `customer=${id}`]);
  const common = ['--key', 'ops.key', '--json', '-c', 'holdfast.yaml'];
  const plan = ['purge', 'plan', 'shop', ...subjects, '--ref', 'BENCH', '-o', 'plan.pgp', ...common];
  const apply = ['purge', 'apply', 'plan.pgp', '--yes', '-o', 'receipt.json', ...common];
  return [
    ['plan', holdfastCommand(place, plan, 'keep')],
    ['apply', holdfastCommand(place, apply, 'keep')],
  ];
}
