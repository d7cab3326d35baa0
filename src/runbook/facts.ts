/** What the runbook is about: the configuration without anything secret. Where passwords may be, only names go in. */
import type { SourceKind } from '../sources/source.ts';

export interface RunbookFacts {
  /** The day on which it is printed. */
  readonly printed: Date;
  readonly version: string;
  /** Absolute path of the configuration. */
  readonly configFile: string;
  readonly store: PlaceFacts;
  readonly sets: readonly SetFacts[];
  readonly keys: readonly KeyFacts[];
  readonly promises: readonly string[];
}

export interface PlaceFacts {
  /** `s3://bucket/prefix` or `file:///path` */
  readonly url: string;
  readonly region: string | undefined;
  readonly endpoint: string | undefined;
}

export interface SetFacts {
  readonly name: string;
  readonly source: SourceKind;
  /** As a person says it: `30d`. */
  readonly keep: string;
  /** Of a database file or a folder. */
  readonly path: string | undefined;
  readonly copies: readonly (PlaceFacts & { readonly name: string })[];
  /** Of packs, by the bucket itself. */
  readonly lock: 'compliance' | 'governance' | undefined;
}

export interface KeyFacts {
  readonly role: 'recipient' | 'former' | 'signing' | 'trusted' | 'purge';
  readonly file: string;
  /** Empty when the file cannot be read. */
  readonly fingerprint: string;
  readonly userId: string;
  /** RFC 3339; undefined: never. */
  readonly expires: string | undefined;
  /** Its public half, armored; undefined when the file cannot be read, and of the host's own. */
  readonly publicKey: string | undefined;
}
