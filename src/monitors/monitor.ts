/**
 * The port: somebody who is told how a run ended.
 *
 * What a monitor is given holds no secret, no personal data and no names of tables; the words of errors may, which is
 * why only those who are told in private (`message`) get them.
 */

/** How a run of one verb ended, for one monitor: only of the sets that it asks about. */
export interface RunReport {
  readonly verb: string;
  /** Where it ran: the name of the machine. */
  readonly host: string;
  /** The program with its version. */
  readonly tool: string;
  /** A failure as soon as one of the sets failed. */
  readonly outcome: Outcome;
  /** When it was over, by this machine's clock. */
  readonly time: Date;
  readonly durationMs: number;
  readonly sets: readonly SetReport[];
}

export type Outcome = 'success' | 'failure';

export interface SetReport {
  readonly set: string;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** That it made, or was about. */
  readonly snapshot?: string;
  /** Numbers in base units, by names that end in their unit: `read_bytes`, `rto_seconds`. */
  readonly figures: Readonly<Record<string, number>>;
  /** Why it failed. */
  readonly error?: SetError;
}

export interface SetError {
  readonly code: string;
  /** Exit code of the program. */
  readonly exit: number;
  readonly message: string;
  readonly hint: string;
}

export interface Monitor {
  /** For people, without a secret: `ping to hc-ping.com`. */
  readonly name: string;
  /** Tells it. Throws whatever was wrong; `tellAll` makes a remark of it. */
  tell(report: RunReport, signal: AbortSignal): Promise<void>;
}
