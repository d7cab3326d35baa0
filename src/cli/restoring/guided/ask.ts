/** The questions of a restore, one after the other, with what a person needs to know for each answer. */
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CliContext } from '../../context.ts';
import type { ReaderKeyOptions } from '../../options.ts';
import { readerKeyFile } from '../../options.ts';
import { parseSnapshotName } from '../../options.ts';
import { HoldfastError, reasonOf } from '../../../errors.ts';
import { continued } from '../../terminal/format.ts';
import { setChoices, snapshotChoices } from './choices.ts';
import type { SetFacts } from './choices.ts';

const OTHER = 'another';

/** Which set, and which of its snapshots. */
export async function askSnapshot(context: CliContext, sets: readonly SetFacts[], now: Date) {
  const choices = setChoices(sets, now);
  const [only] = choices;
  if (only === undefined) throw nothingThere();
  const set = choices.length === 1 ? only.value : await pick(context, 'Which set?', choices);
  const facts = sets.find(({ name }) => name === set);
  if (facts === undefined) throw nothingThere();
  if (choices.length === 1) context.output.note(`the set is ${only.name}`);
  const when = await pick(context, 'Which moment? (UTC)', [
    ...snapshotChoices(facts, now),
    { value: OTHER, name: 'another one: a day, a time, an id' },
  ]);
  const { input } = await import('@inquirer/prompts');
  const named =
    when === OTHER
      ? await input(
          { message: 'Day, time or id (2026-11-21, 2026-11-21T03:00:00Z):', validate: whenGood },
          prompt(context),
        )
      : when;
  return { set, when: named.trim(), facts };
}

/** Where the private key is; nothing is asked when it was said. */
export async function askKey(context: CliContext, flags: ReaderKeyOptions): Promise<ReaderKeyOptions> {
  if (flags.gpg === true || readerKeyFile(flags, context.env) !== undefined) return {};
  const way = await pick(context, 'What opens the backup?', [
    { value: 'file', name: 'a private key in a file' },
    { value: 'gpg', name: 'gpg and its agent, or a smartcard' },
  ]);
  if (way === 'gpg') return { gpg: true };
  const { input } = await import('@inquirer/prompts');
  const key = await input({ message: 'File of the private key:', validate: fileGood }, prompt(context));
  return { key: resolve(key.trim()) };
}

/** Where to. */
export async function askTarget(context: CliContext, preset: string | undefined): Promise<string> {
  const { input } = await import('@inquirer/prompts');
  const answer = await input(
    {
      message: 'Where to? (a new database, file or folder; .sql for plain SQL)',
      ...(preset !== undefined && { default: preset }),
      validate: (text) => text.trim() !== '' || 'An answer is needed.',
    },
    prompt(context),
  );
  return answer.trim();
}

export type RoleAnswer = 'globals' | 'no-owner' | 'stop';

/** Roles that the target lacks: two ways out. */
export function askRoles(context: CliContext, roles: readonly string[]): Promise<RoleAnswer> {
  return pick<RoleAnswer>(context, `The server lacks ${continued(roles.join(', '))}. What now?`, [
    { value: 'globals', name: 'create these roles, without passwords' },
    { value: 'no-owner', name: 'restore without owners and grants' },
    { value: 'stop', name: 'stop here; nothing was changed' },
  ]);
}

/** A restore of the same was cut off there. */
export async function askResume(context: CliContext): Promise<boolean> {
  const { confirm } = await import('@inquirer/prompts');
  return confirm(
    { message: 'A restore of this was cut off there. Go on with it?', default: true },
    prompt(context),
  );
}

/** A last word; nothing can be lost by it, so nobody has to type much. */
export async function askStart(context: CliContext): Promise<boolean> {
  const { confirm } = await import('@inquirer/prompts');
  return confirm({ message: 'Start?', default: true }, prompt(context));
}

async function pick<Value extends string>(
  context: CliContext,
  message: string,
  choices: readonly { readonly value: Value; readonly name: string }[],
): Promise<Value> {
  const { select } = await import('@inquirer/prompts');
  return select<Value>({ message, choices: [...choices], pageSize: 16, loop: false }, prompt(context));
}

function prompt({ io, signal }: CliContext) {
  return { input: io.stdin, output: io.stderr, signal };
}

function whenGood(text: string): true | string {
  try {
    parseSnapshotName(`x@${text.trim()}`);
    return true;
  } catch (error) {
    return reasonOf(error);
  }
}

async function fileGood(text: string): Promise<true | string> {
  return access(resolve(text.trim())).then(
    () => true as const,
    () => 'There is no such file, or it may not be read.',
  );
}

function nothingThere(): HoldfastError {
  return new HoldfastError({
    code: 'SNAPSHOT_NONE',
    exit: 'failed',
    message: 'there is nothing to restore: no set has a snapshot',
    hint: 'Look at the store in the configuration; `--copy NAME` reads from a copy.',
  });
}
