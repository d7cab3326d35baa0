/** A run that cannot work says so in two lines, leaves no snapshot, and does not stand in the way of the next one. */
import { expect } from 'vitest';
import type { CliOptions } from './cli.ts';
import { expectComplaint } from './complaint.ts';
import type { Complaint } from './complaint.ts';
import { backUp, committedIn } from './machines.ts';
import type { Host } from './machines.ts';

export interface Refusal extends Complaint {
  readonly args?: readonly string[];
  readonly env?: CliOptions['env'];
  /** Puts things right, for the run afterwards. */
  readonly mend?: () => unknown;
  /** No run can follow: what is gone is gone. */
  readonly forGood?: boolean;
}

/** Runs a backup (or `args`) that must be refused, and then one that must work. */
export async function expectRefusal(host: Host, refusal: Refusal): Promise<void> {
  const { args = ['backup'], env = {}, mend, forGood = false } = refusal;
  const before = await committedIn(host.place).catch(() => []);
  const result = await host.run(args, { env });
  expectComplaint(result, refusal);
  expect(result.stdout).toBe('');
  await mend?.();
  if (forGood) return;
  expect(await committedIn(host.place)).toEqual(before);
  const { snapshot } = await backUp(host);
  expect(await committedIn(host.place)).toEqual([...before, snapshot].sort());
}
