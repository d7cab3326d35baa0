/** What a verb stands on: streams, options that every verb has, the configuration, and the way to say things. */
import type { Config } from '../config/config.ts';
import { rememberEnvironment } from '../config/secret.ts';
import { EXIT } from '../errors.ts';
import type { ExitReason } from '../errors.ts';
import type { CliIo } from './terminal/io.ts';
import { openLog, SILENT_LOG } from './terminal/log.ts';
import type { Log } from './terminal/log.ts';
import { Output } from './terminal/output.ts';
import { openProgress } from './terminal/progress.ts';
import type { Progress } from './terminal/progress.ts';

/** The options of the program itself. */
export interface GlobalOptions {
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose: number;
}

/**
 * Handed to every verb when it registers. The options are known only when its action runs: read `json`, `output`
 * and the rest from the context inside the action, never while registering.
 */
export interface CliContext {
  readonly io: CliIo;
  readonly env: NodeJS.ProcessEnv;
  /** Fires on the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly quiet: boolean;
  /** How often `-v` was given. */
  readonly verbose: number;
  /** What `-c` named, if it did. */
  readonly configFile: string | undefined;
  readonly output: Output;
  readonly progress: Progress;
  readonly log: Log;
  /** The configuration, read at the first call; its warnings are said once. */
  config(): Promise<Config>;
  /**
   * Ends the run with this exit code though nothing is thrown (`status`, `verify`); the first reason stays. A number is
   * for programs that have exit codes of their own, such as plugins.
   */
  exit(reason: ExitReason | number): void;
}

/** The context as the program itself sees it: it fills in what the command line said. */
export class RunContext implements CliContext {
  readonly io: CliIo;
  readonly signal: AbortSignal;
  json = false;
  quiet = false;
  verbose = 0;
  configFile: string | undefined;
  output: Output;
  progress: Progress;
  log: Log = SILENT_LOG;
  #config: Promise<Config> | undefined;
  #exit: number = EXIT.ok;

  /**
   * @param json - whether `--json` stands anywhere in the arguments, for errors that come before they are parsed
   */
  constructor(io: CliIo, signal: AbortSignal, json = false) {
    this.io = io;
    this.signal = signal;
    this.json = json;
    this.progress = openProgress(io.stderr, { quiet: true });
    this.output = new Output(io, { json, quiet: false });
  }

  get env(): NodeJS.ProcessEnv {
    return this.io.env;
  }

  get exitCode(): number {
    return this.#exit;
  }

  /** Takes the parsed options over, before any action runs. */
  async start(options: GlobalOptions): Promise<void> {
    this.json = options.json === true;
    this.quiet = options.quiet === true;
    this.verbose = options.verbose;
    this.configFile = options.config;
    rememberEnvironment(this.env);
    const progress = openProgress(this.io.stderr, { quiet: this.quiet });
    const beforeWrite = (): void => progress.clear();
    this.progress = progress;
    this.output = new Output(this.io, { json: this.json, quiet: this.quiet, beforeWrite });
    this.log = await openLog(this.verbose, this.io.stderr, { json: this.json, beforeWrite });
  }

  config(): Promise<Config> {
    this.#config ??= this.#load();
    return this.#config;
  }

  exit(reason: ExitReason | number): void {
    if (this.#exit === EXIT.ok) this.#exit = typeof reason === 'number' ? reason : EXIT[reason];
  }

  async #load(): Promise<Config> {
    const { loadConfig } = await import('../config/load.ts');
    const config = await loadConfig(this.configFile, this.env);
    for (const warning of config.warnings) this.output.warn(warning);
    this.log.info('configuration read', { file: config.file });
    return config;
  }
}
