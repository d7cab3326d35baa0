/** From the configuration to those who are told how runs end; a verb runs inside `monitored`. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config, MonitorConfig, MonitoredVerb } from '../config/config.ts';
import { maskSecrets } from '../config/secret.ts';
import { EXIT, HoldfastError, isHoldfastError, reasonOf } from '../errors.ts';
import type { Monitor, Outcome, SetError, SetReport } from '../monitors/monitor.ts';
import type { Subscriber, Told } from '../monitors/tell.ts';
import { TOOL } from '../version.ts';
import type { CliContext } from './context.ts';

/** What a verb says about its sets while it runs. */
export interface RunWatch {
  /** A set is done. */
  succeeded(
    set: string,
    about?: Pick<SetReport, 'snapshot'> & { readonly figures?: SetReport['figures'] },
  ): void;
  /** Only a part of what the verb is for was done, and well: nobody may take that for the whole, so nobody is told. */
  partly(set: string, part: string): void;
  /** A set is not done, though nothing is thrown for it. */
  failed(set: string, error: unknown): void;
  /** Whether anybody wants to hear that this set went well: then it is worth a second look first. */
  tellsSuccess(set: string): boolean;
}

/**
 * Runs a verb and tells the monitors how it ended; then the summary, with what came of telling. A monitor that cannot be
 * reached is a warning, whatever it says of the run. A run that a person has cancelled is not told of.
 *
 * @param sets - those that the run is about; which are neither reported nor failed share the fate of the whole run
 * @param work - returns the fields of the summary
 */
export async function monitored(
  context: CliContext,
  verb: MonitoredVerb,
  sets: readonly string[],
  work: (watch: RunWatch) => Promise<Readonly<Record<string, unknown>>>,
): Promise<void> {
  const config = await context.config();
  const run = new Run(config, verb, sets);
  let summary: Readonly<Record<string, unknown>>;
  try {
    summary = await work(run);
  } catch (error) {
    if (!isHoldfastError(error, 'CANCELLED')) {
      run.endedBy(error);
      await tell(context, config, run);
    }
    throw error;
  }
  for (const why of run.untold) context.output.note(why);
  const told = await tell(context, config, run);
  context.output.summary({ ...summary, ...(told.length > 0 && { monitors: summaryOf(told) }) });
}

/** As `monitored`, for a run that changes nothing and that nobody is told of. */
export async function unmonitored(
  { output }: CliContext,
  work: (watch: RunWatch) => Promise<Readonly<Record<string, unknown>>>,
): Promise<void> {
  output.summary(
    await work({ succeeded: () => {}, partly: () => {}, failed: () => {}, tellsSuccess: () => false }),
  );
}

function summaryOf(told: readonly Told[]): object {
  const failed = told.flatMap(({ failure }) => failure ?? []);
  return { told: told.length - failed.length, failed: failed.map(maskSecrets) };
}

class Run implements RunWatch {
  readonly verb: MonitoredVerb;
  /** Why nobody hears of a set. */
  readonly untold: string[] = [];
  readonly #config: Config;
  readonly #sets: readonly string[];
  readonly #reports = new Map<string, SetReport>();
  readonly #begin = performance.now();
  #last = this.#begin;

  constructor(config: Config, verb: MonitoredVerb, sets: readonly string[]) {
    this.#config = config;
    this.verb = verb;
    this.#sets = sets;
  }

  succeeded(set: string, { snapshot, figures = {} }: Parameters<RunWatch['succeeded']>[1] = {}): void {
    this.#note({ set, outcome: 'success', ...(snapshot !== undefined && { snapshot }), figures });
  }

  partly(set: string, part: string): void {
    if (this.tellsSuccess(set))
      this.untold.push(`${set}: this was ${part} only, so monitors are told nothing`);
  }

  failed(set: string, error: unknown): void {
    this.#note({ set, outcome: 'failure', figures: {}, error: errorOf(error) });
  }

  tellsSuccess(set: string): boolean {
    return this.#config.monitors.some(
      ({ verbs, sets, ...monitor }) =>
        verbs.includes(this.verb) &&
        sets?.includes(set) !== false &&
        (monitor.kind === 'metrics' || monitor.when !== 'failure'),
    );
  }

  /** What nobody has said anything about failed with the run. */
  endedBy(error: unknown): void {
    for (const set of this.#sets) if (!this.#reports.has(set)) this.failed(set, error);
  }

  report() {
    const sets = [...this.#reports.values()];
    const outcome: Outcome = sets.some((set) => set.outcome === 'failure') ? 'failure' : 'success';
    const durationMs = performance.now() - this.#begin;
    return { verb: this.verb, host: hostname(), tool: TOOL, outcome, time: new Date(), durationMs, sets };
  }

  #note(report: Omit<SetReport, 'durationMs'>): void {
    const now = performance.now();
    this.#reports.set(report.set, { ...report, durationMs: now - this.#last });
    this.#last = now;
  }
}

function errorOf(error: unknown): SetError {
  const known = error instanceof HoldfastError ? error : undefined;
  return {
    code: known?.code ?? 'BUG',
    exit: known?.exitCode ?? EXIT.failed,
    message: maskSecrets(reasonOf(error)),
    hint: known?.hint ?? 'This is a bug in holdfast; what it printed says more.',
  };
}

async function tell(context: CliContext, config: Config, run: Run): Promise<readonly Told[]> {
  const report = run.report();
  if (config.monitors.length === 0 || report.sets.length === 0 || context.signal.aborted) return [];
  const { tellAll } = await import('../monitors/tell.ts');
  const subscribers = config.monitors.map((monitor) => subscriberFrom(context, config, monitor));
  const told = await tellAll(subscribers, report, context.signal);
  if (wasCancelled(context)) return [];
  for (const { name, failure } of told) {
    if (failure !== undefined) context.output.warn(`a monitor was not told: ${failure}`);
    else context.log.info('told', { monitor: name });
    context.output.record({ type: 'monitor', name, ok: failure === undefined, ...(failure && { failure }) });
  }
  return told;
}

function wasCancelled({ signal }: CliContext): boolean {
  return signal.aborted;
}

function subscriberFrom(context: CliContext, config: Config, monitor: MonitorConfig): Subscriber {
  const { place, kind, sets, verbs } = monitor;
  return {
    name: `${place} (${kind})`,
    ...(sets && { sets }),
    verbs,
    when: monitor.kind === 'metrics' ? 'always' : monitor.when,
    open: () => openMonitor(context, config, monitor),
  };
}

/**
 * Opens what the configuration names; its address is read now.
 * @throws HoldfastError SECRET_*, MONITOR_URL
 */
export async function openMonitor(
  { env, signal }: CliContext,
  config: Config,
  monitor: MonitorConfig,
): Promise<Monitor> {
  if (monitor.kind === 'metrics') {
    const { metricsMonitor } = await import('../monitors/metrics.ts');
    const stateFolder = join(config.stateDir, 'monitors');
    return metricsMonitor({ path: monitor.path, stateFolder, sets: [...config.sets.keys()] });
  }
  const { resolveMonitorUrl } = await import('../config/monitor-url.ts');
  const url = await resolveMonitorUrl(monitor, env, signal);
  const { timeoutSeconds, caFile } = monitor;
  const common = { url, timeoutMs: timeoutSeconds * 1000, ...(caFile !== undefined && { caFile }) };
  switch (monitor.kind) {
    case 'ping': {
      const { pingMonitor } = await import('../monitors/ping.ts');
      return pingMonitor({ ...common, env, failure: monitor.failure });
    }
    case 'webhook': {
      const { webhookMonitor } = await import('../monitors/webhook.ts');
      return webhookMonitor({ ...common, env, format: monitor.format });
    }
    case 'email': {
      const { emailMonitor } = await import('../monitors/email.ts');
      return emailMonitor({ ...common, from: monitor.from, to: monitor.to });
    }
  }
}

/** A result that is not thrown, as an error: for those who are told. */
export function incompleteRun(message: string): HoldfastError {
  return new HoldfastError({
    code: 'NOT_COMPLETE',
    exit: 'incomplete',
    message,
    hint: 'See what the run has printed, or run it by hand.',
  });
}
