/** What a scan looks for: one way in which an identifier may be written. */

/** A form to look for. */
export interface Form {
  readonly bytes: Buffer;
  /** ASCII letters match in either case. */
  readonly caseBlind: boolean;
  /** What was done to the value, for reports: `text`, `json`, `base64`. */
  readonly how: string;
  /** Digits that must stand there, whatever separates them: then `bytes` is only their end. */
  readonly digits?: string;
}
