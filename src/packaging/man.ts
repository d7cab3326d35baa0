/** Manual pages made of the command line itself, in the macros of mdoc(7): `man holdfast-purge-plan`. */
import { allVerbs } from '../cli/verb-tree.ts';
import type { ArgumentOf, OptionOf, VerbOf } from '../cli/verb-tree.ts';
import { EXIT_MEANING } from '../cli/program.ts';
import { EXIT } from '../errors.ts';
import type { ExitReason } from '../errors.ts';

/** A file of section 1. */
export interface ManualPage {
  /** `holdfast-purge-plan.1` */
  readonly file: string;
  readonly text: string;
}

/** A page for the program (`root`) and one for each verb. `date` is that of the release. */
export function manualPages(root: VerbOf, version: string, date: Date): readonly ManualPage[] {
  return allVerbs(root).map((verb) => ({
    file: `${nameOf(verb)}.1`,
    text: lines([
      `.Dd ${date.toLocaleDateString('en-US', { month: 'long', timeZone: 'UTC' })} ${date.getUTCDate()}, ${date.getUTCFullYear()}`,
      `.Dt ${nameOf(verb).toUpperCase()} 1`,
      `.Os holdfast ${version}`,
      '.Sh NAME',
      `.Nm ${nameOf(verb)}`,
      `.Nd ${escaped(shortened(verb.about))}`,
      ...synopsis(verb),
      ...description(verb, root),
      ...(verb === root ? ending() : []),
      ...seeAlso(verb, root),
    ]),
  }));
}

function nameOf({ path }: VerbOf): string {
  return ['holdfast', ...path].join('-');
}

/** mdoc(7): no full stop behind the one line of a name. */
function shortened(about: string): string {
  return about.replace(/\.$/, '');
}

function synopsis(verb: VerbOf): readonly string[] {
  const command = ['holdfast', ...verb.path].join(' ');
  if (verb.verbs.length > 0) return ['.Sh SYNOPSIS', `.Sy ${command}`, '.Ar verb', '.Op Ar options'];
  return ['.Sh SYNOPSIS', `.Sy ${command}`, '.Op Ar options', ...verb.args.map(argumentText)];
}

function argumentText({ name, isRequired, isRepeated }: ArgumentOf): string {
  const text = `Ar ${escaped(name)}${isRepeated ? ' ...' : ''}`;
  return isRequired ? `.${text}` : `.Op ${text}`;
}

function description(verb: VerbOf, root: VerbOf): readonly string[] {
  const args = verb.args.filter(({ about }) => about !== '');
  return [
    '.Sh DESCRIPTION',
    sentence(verb.about),
    ...(verb.verbs.length > 0 ? ['.Pp', 'The verbs are:', ...list(verb.verbs.map(verbItem))] : []),
    ...(args.length > 0 ? list(args.map((one) => [`.It Ar ${escaped(one.name)}`, sentence(one.about)])) : []),
    ...(verb.options.length > 0 ? ['.Pp', 'Options:', ...list(verb.options.map(optionItem))] : []),
    ...(verb === root ? [] : ['.Pp', 'The options that all verbs share are in', '.Xr holdfast 1 .']),
  ];
}

function verbItem(verb: VerbOf): readonly string[] {
  return [`.It Xr ${nameOf(verb)} 1`, sentence(verb.about)];
}

function optionItem({ names, value, about }: OptionOf): readonly string[] {
  const flags = names.map((name) => `Fl ${escaped(name.slice(1))}`).join(' , ');
  return [`.It ${flags}${value === undefined ? '' : ` Ar ${escaped(value.name)}`}`, sentence(about)];
}

function list(items: readonly (readonly string[])[]): readonly string[] {
  return ['.Bl -tag -width Ds', ...items.flat(), '.El'];
}

function ending(): readonly string[] {
  const statuses = Object.entries(EXIT_MEANING).map(([reason, text]) => [
    `.It ${EXIT[reason as ExitReason]}`,
    sentence(text),
  ]);
  return [
    '.Sh ENVIRONMENT',
    ...list([
      ['.It Ev HOLDFAST_CONFIG', 'The configuration, where no option names one.'],
      ['.It Ev HOLDFAST_KEY', 'File of the private key that reads.'],
      ['.It Ev HOLDFAST_PASSPHRASE_FILE', 'File of its passphrase.'],
      ['.It Ev HOLDFAST_PASSPHRASE_COMMAND', 'Program that prints its passphrase; no shell.'],
      ['.It Ev NO_COLOR', 'No colours, when it is set.'],
    ]),
    '.Sh FILES',
    ...list([
      ['.It Pa ./holdfast.yaml', 'The configuration.'],
      ['.It Pa /etc/holdfast/holdfast.yaml', 'The same, where the folder has none.'],
    ]),
    '.Sh EXIT STATUS',
    ...list(statuses),
  ];
}

function seeAlso(verb: VerbOf, root: VerbOf): readonly string[] {
  const above = allVerbs(root).filter(({ verbs }) => verbs.includes(verb));
  const pages = [...above, ...verb.verbs].map((one) => nameOf(one)).sort();
  if (pages.length === 0) return [];
  return ['.Sh SEE ALSO', ...pages.map((name, at) => `.Xr ${name} 1${at + 1 < pages.length ? ' ,' : ''}`)];
}

/** What help says in a fragment, as a sentence of its own line. */
function sentence(text: string): string {
  const whole = `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
  return escaped(/[.!?]$/.test(whole) ? whole : `${whole}.`);
}

/** groff_char(7): a backslash, and a point or an apostrophe at the beginning of a line, are not text. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replace(/^(?=[.'])/, '\\&');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
