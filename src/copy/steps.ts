/** A plan as data: stages of steps, each with its reason. */
import { keepPrefix } from '../repository/layout.ts';
import type { Listed } from './facts.ts';
import { daysLeft } from './life.ts';

/** Where an object goes: a key, or, for what ends with its original, a name below the days that are left when it is put. */
export type Target = { readonly key: string } | { readonly below: string; readonly ends: Date };

export interface PutStep {
  readonly from: string;
  readonly to: Target;
  readonly bytes: number;
  /** One of these is that of its bytes, where something that is signed says so. */
  readonly sha256?: readonly string[];
  /** When this fails because of its content, what follows of this snapshot is left out. */
  readonly snapshot?: string;
  /** Something else lies there and is replaced; otherwise what lies there is left alone. */
  readonly replace: boolean;
  readonly why: string;
}

export interface RemoveStep {
  readonly key: string;
  readonly why: string;
}

export type StageName =
  'store' | 'ledger' | 'suppression' | 'packs' | 'index' | 'manifests' | 'amendments' | 'entries' | 'remove';

/** Steps that may run at the same time, or one after another where their order counts. */
export interface Stage {
  readonly name: StageName;
  readonly inOrder: boolean;
  readonly puts: readonly PutStep[];
  readonly removals: readonly RemoveStep[];
}

export interface Remark {
  /** A snapshot or a key. */
  readonly about: string;
  readonly text: string;
}

export interface CopyPlan {
  /** In order: each only after the one before is done. None is empty. */
  readonly stages: readonly Stage[];
  /** Snapshots that the copy has, or will have when the plan is carried out. */
  readonly covered: number;
  /** Those of them of which something is put. */
  readonly behind: number;
  /** What is rightly not copied. */
  readonly left: readonly Remark[];
  /** What should be copied and cannot be. */
  readonly problems: readonly Remark[];
}

/**
 * A step that puts an object as it is.
 * @param there - what lies at the destination already and is not the same
 */
export function putStep(
  from: string,
  to: Target,
  { bytes }: Pick<Listed, 'bytes'>,
  why: string,
  there?: Listed,
): PutStep {
  const shown = there ? `${why}; ${there.bytes} of its ${bytes} bytes are there` : why;
  return { from, to, bytes, replace: there !== undefined, why: shown };
}

/** The key of a target for a put that happens now; undefined when its time is over. */
export function keyOf(to: Target, now: Date): string | undefined {
  if ('key' in to) return to.key;
  const days = daysLeft(to.ends, now);
  return days < 1 ? undefined : `${keepPrefix(days)}${to.below}`;
}
