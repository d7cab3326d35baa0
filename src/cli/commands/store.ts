/** `holdfast store`: what is true of the place where backups lie, rather than of the backups. */
import type { Command } from 'commander';
import type { LifecycleReport } from '../../retention/apply-lifecycle.ts';
import { schemeOf } from '../../stores/address.ts';
import type { CliContext } from '../context.ts';
import { formatPlural } from '../terminal/format.ts';
import { byRemedy, lifecycleHint, lifecyclePlaces } from '../posture/lifecycle.ts';
import type { LifecyclePlace } from '../posture/lifecycle.ts';
import { withExamples } from '../program.ts';
import { registerPolicy } from '../posture/store-policy.ts';

export function register(program: Command, context: CliContext): void {
  const store = program
    .command('store')
    .description('rules and rights of the place where backups lie')
    .usage('lifecycle|policy')
    .helpCommand(false);
  const lifecycle = store
    .command('lifecycle')
    .description("the bucket's rules that end backups, even when this program is dead")
    .usage('apply|check')
    .helpCommand(false);
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
  const places = lifecyclePlaces(context, await context.config());
  const isFolder = ({ url }: LifecyclePlace) => schemeOf(url) !== 's3';
  let written = 0;
  for (const place of places) {
    // A folder beside buckets is no mistake; where there is nothing else, applying refuses, and somebody hears it.
    if (isFolder(place) && !places.every(isFolder)) continue;
    await using store = closing(await place.open());
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
      output.warn(`${problem.what}; ${lifecycleHint(problem, place)}`);
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
function tellReport(context: CliContext, place: LifecyclePlace, report: LifecycleReport): number {
  const { url } = place;
  const { output } = context;
  const { enforcement, problems, overdue } = report;
  const say = (what: string, hint: string) => {
    output.line(`${output.paint('red', 'WRONG')}  ${what}`);
    output.line(`       ${hint}`);
  };
  for (const [first, ...more] of byRemedy(problems)) {
    say(`${first.what}${more.length === 0 ? '' : ` (and ${more.length} more)`}`, lifecycleHint(first, place));
    for (const problem of [first, ...more])
      output.record({ type: 'problem', store: url, ...problem, hint: lifecycleHint(problem, place) });
  }
  const [first] = overdue;
  if (first !== undefined) {
    const { why, hint } = enforcement.lifecycle ? NOT_EXECUTED : NOT_EXPIRED;
    const count = formatPlural(overdue.length, 'object');
    const what = `${why}: ${count} past their time, such as ${first.key}`;
    say(what, hint);
    output.record({ type: 'problem', store: url, kind: 'overdue', what, hint, objects: overdue.length });
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
