/** What a run that refuses must look like: two lines, nothing of the program's inside, no secret. */
import { expect } from 'vitest';
import type { CliResult } from './cli.ts';

export interface Complaint {
  readonly exit: number;
  readonly error: RegExp;
  /** Must name something useful: a command, an option, a file, a package. */
  readonly hint: RegExp;
  /** What may be nowhere in the output. */
  readonly secrets?: readonly string[];
}

/** Checks exit code, the one error line, the one hint, and that nothing of the program's inside or of a secret shows. */
export function expectComplaint(result: CliResult, { exit, error, hint, secrets = [] }: Complaint): void {
  const { exitCode, stdout, stderr } = result;
  expect({ exitCode, stderr }).toMatchObject({ exitCode: exit });
  const lines = stderr.trimEnd().split('\n');
  const errors = lines.filter((line) => line.startsWith('holdfast: error: '));
  const hints = lines.filter((line) => line.startsWith('holdfast: hint: '));
  expect({ errors: errors.length, hints: hints.length, stderr }).toMatchObject({ errors: 1, hints: 1 });
  expect(errors[0]).toMatch(error);
  expect(hints[0]).toMatch(hint);
  // Lines of what was said come before; error and hint are the last words.
  expect(lines.slice(-2)).toEqual([errors[0], hints[0]]);
  expect(lines.every((line) => line.startsWith('holdfast: '))).toBe(true);
  expectNoInside(stdout + stderr);
  for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
}

/** No stack trace, no report of a bug, no place in the source. */
export function expectNoInside(text: string): void {
  expect(text).not.toMatch(/^\s+at .*[:(]/m);
  expect(text).not.toMatch(/---- report|\[object |node:internal|\bundefined\b|\.ts:\d/);
}
