/** `holdfast restore` without arguments, on a terminal: one question after the other, then what would have said it all. */
import { maskSecrets } from '../../../config/secret.ts';
import type { CliContext } from '../../context.ts';
import { promptFailure } from '../../terminal/secrets.ts';
import { chosenKeys } from '../paths.ts';
import { defaultTarget, targetUrlProblem } from '../target.ts';
import { isScript, planOpened, restoreOpened, showPlan } from '../restoring.ts';
import type { RestoreFlags } from '../restoring.ts';
import { openSnapshot } from '../snapshot.ts';
import type { OpenedSnapshot } from '../snapshot.ts';
import { askKey, askResume, askRoles, askSnapshot, askStart, askTarget } from './ask.ts';
import { commandLine, measuredSpeed } from './choices.ts';
import { readSetFacts } from './facts.ts';

/** Asks, looks at the target, asks again where something is in the way, and restores. Nothing is ever overwritten. */
export async function guidedRestore(context: CliContext, given: RestoreFlags): Promise<void> {
  const { sets, now } = await readSetFacts(context, given);
  const { set, when, facts } = await asked(() => askSnapshot(context, sets, now));
  const keyed = { ...given, ...(await asked(() => askKey(context, given))) };
  await using whole = await openSnapshot(context, { set, when }, keyed);
  const opened = { ...whole, reader: await chosenKeys(whole.reader, keyed) };
  const ready = await settle(context, opened, keyed, measuredSpeed(facts));
  if (ready === undefined || !(await asked(() => askStart(context)))) {
    context.output.note('nothing was changed');
    return;
  }
  const { to, flags } = ready;
  await restoreOpened(context, opened, to, flags);
  const { snapshot } = opened.item.entry;
  const { configFile: config } = context;
  const chosen = { ...flags, set, snapshot, to, ...(config !== undefined && { config }) };
  context.output.note(`the same without questions: ${commandLine(chosen)}`);
}

/** Where to, until nothing is in the way; undefined when the person stops. */
async function settle(
  context: CliContext,
  opened: OpenedSnapshot,
  given: RestoreFlags,
  speed: number | undefined,
): Promise<{ readonly to: string; readonly flags: RestoreFlags } | undefined> {
  let flags = given;
  let to = given.to ?? (await asked(async () => askTarget(context, await presetFor(context, opened))));
  for (;;) {
    const problem = targetUrlProblem(opened.reader.source.kind, to);
    if (problem !== undefined) {
      context.output.warn(`that ${problem}`);
      to = await asked(() => askTarget(context, undefined));
      continue;
    }
    if (isScript(opened.reader.source.kind, to)) return { to, flags };
    const plan = await planOpened(context, opened, to, flags);
    await showPlan(context, opened, plan, to, speed);
    if (plan.occupied && plan.unfinished?.isSame === true && (await asked(() => askResume(context)))) {
      flags = { ...flags, resume: true };
    } else if (plan.occupied) {
      context.output.warn(`${plan.target} holds something, and nothing is overwritten: choose another name`);
      to = await asked(() => askTarget(context, undefined));
    } else if (plan.problems.length === 0) return { to, flags };
    else if (
      plan.missingRoles !== undefined &&
      plan.missingRoles.length > 0 &&
      flags.owner &&
      flags.globals !== true
    ) {
      const roles = plan.missingRoles;
      const answer = await asked(() => askRoles(context, roles));
      if (answer === 'stop') return undefined;
      flags = answer === 'globals' ? { ...flags, globals: true } : { ...flags, owner: false };
    } else {
      context.output.warn('something is missing there: mend it, or choose another place');
      to = await asked(() => askTarget(context, undefined));
    }
  }
}

/** A URL with a password is no answer to offer on a screen. */
async function presetFor(context: CliContext, opened: OpenedSnapshot): Promise<string | undefined> {
  const preset = await defaultTarget(context, opened).catch(() => undefined);
  if (preset === undefined || !preset.includes('://')) return preset;
  const url = new URL(preset);
  return url.password === '' && maskSecrets(preset) === preset ? preset : undefined;
}

async function asked<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw promptFailure(error);
  }
}
