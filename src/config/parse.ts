/** From the text of a configuration to the configuration, or to all that is wrong with it. */
import { hostname } from 'node:os';
import type { Config } from './config.ts';
import { configInvalid } from './errors.ts';
import { normalise } from './normalise.ts';
import { problemsOf } from './problems.ts';
import { crossProblems } from './rules.ts';
import { configSchema } from './schema.ts';
import { dotted, parseYaml } from '../yaml/document.ts';
import type { Parsed, Place } from '../yaml/document.ts';

export interface ParseOptions {
  /** Absolute path of the file: relative paths start at its folder. */
  readonly file: string;
  /** The file as the user named it, for messages. */
  readonly shown: string;
  readonly env: NodeJS.ProcessEnv;
  /** Who writes when a set does not say; the host's name by default. */
  readonly host?: string;
  /** Every user of the machine can read the file. */
  readonly openToAll?: boolean;
}

interface Finding extends Place {
  readonly text: string;
}

/** Throws CONFIG_INVALID with one line per problem, in the order of the file. */
export function parseConfig(text: string, options: ParseOptions): Config {
  const yaml = parseYaml(text);
  const findings: Finding[] = yaml.syntax.map((problem) => ({ ...problem, text: problem.message }));
  if (yaml.usable) {
    const checked = check(yaml);
    findings.push(...checked.findings);
    if (findings.length === 0 && checked.raw !== undefined) {
      return normalise(checked.raw, { ...options, host: options.host ?? hostname() });
    }
  }
  findings.sort((a, b) => a.line - b.line || a.column - b.column);
  throw configInvalid(
    unique(findings.map(({ line, column, text }) => `${options.shown}:${line}:${column}: ${text}`)),
  );
}

function check(yaml: Parsed): {
  findings: readonly Finding[];
  raw: ReturnType<typeof configSchema.parse> | undefined;
} {
  if (yaml.value === null || yaml.value === undefined) {
    return { findings: [{ line: 1, column: 1, text: 'the file is empty' }], raw: undefined };
  }
  const result = configSchema.safeParse(yaml.value);
  const problems = [
    ...(result.success ? [] : problemsOf(result.error, yaml.value)),
    ...crossProblems(yaml.value),
  ];
  const findings = problems.map((problem) => ({
    ...yaml.locate(problem),
    text:
      problem.path.length === 0
        ? `the file ${problem.message}`
        : `${dotted(problem.path)}: ${problem.message}`,
  }));
  const odd = yaml.oddKeys.map((problem) => ({ ...problem, text: problem.message }));
  return { findings: [...findings, ...odd], raw: result.data };
}

function unique(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
