/** Goal: the help of every verb reads as it was written: no traces of the library that prints it, one name for one thing. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { commands } from '../../src/cli/commands/index.ts';
import { RunContext } from '../../src/cli/context.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { allVerbs, verbTree } from '../../src/cli/verb-tree.ts';

const program = buildProgram(new RunContext(process, new AbortController().signal, false), commands);
const verbs = withSubcommands(program, []);

function withSubcommands(verb: Command, path: readonly string[]): [string, Command][] {
  const below = verb.commands.flatMap((sub) => withSubcommands(sub, [...path, sub.name()]));
  return [[['holdfast', ...path].join(' '), verb], ...below];
}

test.each(verbs)('%s --help has nothing in it that tells nobody anything', (_, verb) => {
  const text = helpOf(verb);
  expect(text).toContain('Usage: holdfast');
  expect(text).not.toContain('default: []');
  expect(text).not.toContain('display help for command');
  expect(text.split('\n').filter((line) => /\s$/.test(line))).toEqual([]);
});

test('-o is --output in every verb that has it', () => {
  const names = verbs.flatMap(([, { options }]) => options.filter(({ short }) => short === '-o'));
  expect(names.length).toBeGreaterThan(5);
  expect(new Set(names.map(({ long }) => long))).toEqual(new Set(['--output']));
});

test('manual pages name defaults, as the help does', () => {
  const abouts = allVerbs(verbTree(program)).flatMap(({ options }) => options.map(({ about }) => about));
  expect(abouts).toContain('parallel sessions (default: 2)');
  expect(abouts.filter((about) => /default.*default/.test(about))).toEqual([]);
});

// A hint is typed as it stands, by somebody in a hurry.
test.each(verbs.filter(([, verb]) => mandatoryOf(verb).length > 0))(
  'messages that say what to type after %s name what it cannot do without',
  (name, verb) => {
    const typed = new RegExp(`${name} (?:SET|PLAN|\\$\\{)[^'\`\\n]*`, 'g');
    const found = sources().flatMap((text) => text.match(typed) ?? []);
    const short = mandatoryOf(verb).map((option) => option.short ?? option.long ?? '');
    expect(found.filter((text) => !short.every((one) => text.includes(` ${one} `)))).toEqual([]);
  },
);

function mandatoryOf({ options }: Command): Command['options'][number][] {
  return options.filter(({ mandatory }) => mandatory);
}

function sources(): string[] {
  const folder = join(import.meta.dirname, '../../src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith('.ts')).map((file) => readFileSync(join(folder, file), 'utf8'));
}

function helpOf(verb: Command): string {
  let text = '';
  verb.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => 100 }).outputHelp();
  return text;
}
