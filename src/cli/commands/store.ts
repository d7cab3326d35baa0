/** `holdfast store`: what is true of the place where backups lie, rather than of the backups. */
import type { Command } from 'commander';
import type { LifecycleReport } from '../../retention/apply-lifecycle.ts';
import type { CliContext } from '../context.ts';
import { formatPlural } from '../terminal/format.ts';
import { lifecycleHint, lifecyclePlaces } from '../posture/lifecycle.ts';
import type { LifecyclePlace } from '../posture/lifecycle.ts';
import { withExamples } from '../program.ts';
import { registerPolicy } from '../posture/store-policy.ts';

export function register(program: Command, context: CliContext): void {
  const store = program.command('store').description('rules and rights of the place where backups lie');
  const lifecycle = store
    .command('lifecycle')
    .description("the bucket's rules that end backups, even when this program is dead");
  const apply = lifecycle
    .command('apply')
    .description('write the rules that are missing or wrong; rules of others stay as they are')
    .option('--prune', 'also remove rules of ours that nothing needs any more')
    .action((flags: { prune?: boolean }) => applyAll(context, flags.prune === true));
  withExamples(apply, [['holdfast store lifecycle apply', 'after `keep:` or `full_every:` was raised']]);
  lifecycle
    .command('check')
    .description('compare the rules with what they should be, and with what really happened')
    .action(() => checkAll(context));
  registerPolicy(store, context);
}

async function applyAll(context: CliContext, prune: boolean): Promise<void> {
  const { applyLifecycle } = await import('../../retention/apply-lifecycle.ts');
  const { output } = context;
  let written = 0;
  for (const place of lifecyclePlaces(context, await context.config())) {
    await using store = closing(await place.open());
    // A folder among the copies is no mistake; the store itself being one is what somebody should hear.
    if (place.copy !== undefined && store.value.bucket === undefined) continue;
    const { problems, rules, changed } = await applyLifecycle(
      store.value,
      place.policies,
      prune,
      context.signal,
    );
    if (changed) written++;
    output.line(
      `${place.url}: ${changed ? 'wrote the rules' : 'the rules were right already'} (${rules.length} in all)`,
    );
    output.record({ type: 'lifecycle', store: place.url, changed, rules: rules.length });
    for (const problem of problems.filter(({ kind }) => kind === 'foreign')) {
      output.warn(`${problem.what}; ${lifecycleHint(problem, place.url)}`);
      context.exit('failed');
    }
  }
  output.summary({ written });
}

async function checkAll(context: CliContext): Promise<void> {
  const { checkLifecycle } = await import('../../retention/apply-lifecycle.ts');
  let problems = 0;
  for (const place of lifecyclePlaces(context, await context.config())) {
    await using store = closing(await place.open());
    const report = await checkLifecycle(store.value, place.policies, context.signal);
    problems += tellReport(context, place, report);
  }
  if (problems > 0) context.exit('failed');
  context.output.summary({ problems });
}

/** Returns the number of problems. */
function tellReport(context: CliContext, { url }: LifecyclePlace, report: LifecycleReport): number {
  const { output } = context;
  const { enforcement, problems, overdue } = report;
  const say = (kind: string, what: string, hint: string, about: object = {}) => {
    output.line(`${output.paint('red', 'WRONG')}  ${what}`);
    output.line(`       ${hint}`);
    output.record({ type: 'problem', store: url, kind, what, hint, ...about });
  };
  for (const problem of problems)
    say(problem.kind, problem.what, lifecycleHint(problem, url), { id: problem.id, prefix: problem.prefix });
  const [first] = overdue;
  if (first !== undefined) {
    const { why, hint } = enforcement.lifecycle ? NOT_EXECUTED : NOT_EXPIRED;
    const count = formatPlural(overdue.length, 'object');
    say('overdue', `${why}: ${count} past their time, such as ${first.key}`, hint, {
      objects: overdue.length,
    });
  }
  if (!enforcement.lifecycle) {
    const what = `${url} expires nothing by itself: when this program is dead, nothing ends`;
    output.warn(what);
    output.record({ type: 'note', store: url, kind: 'unenforced', what });
  } else if (problems.length + overdue.length === 0) {
    output.line(`ok     ${url}: the rules are right, and what is there is within its time`);
  }
  return problems.length + (first === undefined ? 0 : 1);
}

const NOT_EXECUTED = {
  why: 'rules are set, but nothing executes them',
  hint: 'Ask who runs the server whether lifecycle processing is on; until then: holdfast expire --confirm',
} as const;
const NOT_EXPIRED = {
  why: 'nobody runs expire',
  hint: 'Run: holdfast expire --confirm; and set `expire: auto` so that each backup does it.',
} as const;

interface Closing<T> extends AsyncDisposable {
  readonly value: T;
}

function closing<T extends { close(): Promise<void> }>(value: T): Closing<T> {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
