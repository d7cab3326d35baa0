/** What the parts of a check work with, and short ways to write down what they found. */
import type { Schema, TableSchema } from '../sources/schema.ts';
import type { SourceKind } from '../sources/source.ts';
import type { Problem } from '../yaml/document.ts';
import { nearest } from '../nearest.ts';
import type { SubjectMap } from './map.ts';

export interface Finding extends Problem {
  readonly kind: 'problem' | 'warning';
}

export interface CheckOptions {
  /** The engine, which says how values are printed. */
  readonly engine: SourceKind;
  /** True for a snapshot's schema: a table that it does not have holds nobody. */
  readonly isPast?: boolean;
}

export interface CheckContext {
  readonly map: SubjectMap;
  readonly schema: Schema;
  readonly options: CheckOptions;
  /** The table of this name, partitioned and virtual ones too. */
  readonly table: (name: string) => TableSchema | undefined;
  /** Where a part of the map stands in the file. */
  readonly pathOf: (part: object) => readonly PropertyKey[];
}

/** What would make a purge miss somebody or fail. */
export function problem(path: readonly PropertyKey[], message: string, at: Problem['at'] = 'value'): Finding {
  return { kind: 'problem', path, at, message };
}

/** What a person should look at. */
export function warning(path: readonly PropertyKey[], message: string, at: Problem['at'] = 'key'): Finding {
  return { kind: 'warning', path, at, message };
}

/** `; did you mean 'x'?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const near = nearest(word, known);
  return near === undefined ? '' : `; did you mean '${near}'?`;
}
