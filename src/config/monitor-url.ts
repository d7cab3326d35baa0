/** From a monitor's configuration to the address where it is told. */
import type { MonitorConfig } from './config.ts';
import { monitorUrlInvalid } from './errors.ts';
import { monitorUrlProblem } from './monitors.ts';
import { readConnection } from './source-url.ts';

/**
 * The address, read from its place now. It is a secret as a whole: whoever knows it can tell it things.
 * @throws HoldfastError SECRET_*, MONITOR_URL
 */
export async function resolveMonitorUrl(
  { kind, place, address }: Exclude<MonitorConfig, { readonly kind: 'metrics' }>,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<URL> {
  const named = (key: string): string => `${place}: ${key}`;
  const { what, text } = await readConnection(named, address, env, signal);
  const problem = monitorUrlProblem(kind, text.trim());
  if (problem !== undefined) throw monitorUrlInvalid(what, problem);
  return new URL(text.trim());
}
