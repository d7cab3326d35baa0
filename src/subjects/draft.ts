/** A draft of a subject map, before it is text. */
import type { TableSchema } from '../sources/schema.ts';

export interface Draft {
  readonly subject: string;
  readonly root: Root;
  /** From the root outwards, then what the database makes itself. */
  readonly decided: readonly Proposal[];
  readonly undecided: readonly Proposal[];
  readonly hasLargeObjects: boolean;
}

export interface Root {
  readonly table: TableSchema;
  /** Columns of a key, as they were asked for. */
  readonly key: readonly string[];
}

/** A value of YAML. */
export type Yaml = null | string | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

export interface Proposal {
  readonly table: TableSchema;
  /** The entry of `tables`. */
  readonly rule: { readonly [key: string]: Yaml };
  /** For the person who finishes the draft, each half a sentence. */
  readonly remarks: readonly string[];
}
