/** The verbs with their options as plain values: what completion scripts and manual pages are made of. */
import type { Argument, Command, Option } from 'commander';

/** What may stand where a value is wanted. */
export type ValueKind = 'file' | 'set' | 'words' | 'other';

export interface ValueOf {
  /** As in the help: `FILE` */
  readonly name: string;
  readonly kind: ValueKind;
  /** Of `words`. */
  readonly words: readonly string[];
}

export interface OptionOf {
  /** `-o`, `--output` */
  readonly names: readonly string[];
  readonly about: string;
  readonly value: ValueOf | undefined;
}

export interface ArgumentOf extends ValueOf {
  readonly about: string;
  readonly isRequired: boolean;
  readonly isRepeated: boolean;
}

export interface VerbOf {
  /** `['purge', 'plan']`; empty for the program itself. */
  readonly path: readonly string[];
  readonly about: string;
  readonly args: readonly ArgumentOf[];
  readonly options: readonly OptionOf[];
  readonly verbs: readonly VerbOf[];
}

/** The tree of a program; hidden options are left out. */
export function verbTree(program: Command): VerbOf {
  return verbOf(program, []);
}

/** A verb and all below it, each before those below it. */
export function allVerbs(verb: VerbOf): readonly VerbOf[] {
  return [verb, ...verb.verbs.flatMap(allVerbs)];
}

/** What may be said behind a verb: its own options, and those that all verbs share. */
export function optionsAt(root: VerbOf, { path, options }: VerbOf): readonly OptionOf[] {
  return path.length === 0 ? options : [...options, ...root.options];
}

function verbOf(command: Command, path: readonly string[]): VerbOf {
  return {
    path,
    about: command.description(),
    args: command.registeredArguments.map(argumentOf),
    options: command.options.filter(({ hidden }) => !hidden).map(optionOf),
    verbs: command.commands.map((sub) => verbOf(sub, [...path, sub.name()])),
  };
}

function optionOf(option: Option): OptionOf {
  const name = /[<[](.+?)(?:\.\.\.)?[>\]]/.exec(option.flags)?.[1];
  const names = [option.short, option.long].filter((one) => one !== undefined);
  const value = name === undefined ? undefined : valueOf(name, option.argChoices);
  return { names, about: option.description + defaultOf(option), value };
}

/** What holds when the option is left out, where its own words do not say it. */
function defaultOf({ required, defaultValue }: Option): string {
  const preset: unknown = defaultValue;
  const isSaid = !required || (typeof preset !== 'string' && typeof preset !== 'number');
  return isSaid ? '' : ` (default: ${preset})`;
}

function argumentOf(argument: Argument): ArgumentOf {
  return {
    ...valueOf(argument.name(), argument.argChoices),
    about: argument.description,
    isRequired: argument.required,
    isRepeated: argument.variadic,
  };
}

function valueOf(name: string, choices: readonly string[] | undefined): ValueOf {
  if (choices !== undefined) return { name, kind: 'words', words: choices };
  const kind = /^SET/.test(name) ? 'set' : /FILE|FOLDER|PATH|PLAN|RECEIPT/.test(name) ? 'file' : 'other';
  return { name, kind, words: [] };
}
