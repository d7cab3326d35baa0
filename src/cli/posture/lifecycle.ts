/** The stores whose lifecycle this configuration speaks of, and what to say about their rules. */
import type { Config, SetConfig } from '../../config/config.ts';
import type { ChainPolicy } from '../../repository/rules.ts';
import type { LifecycleProblem } from '../../retention/lifecycle.ts';
import { bucketOf } from '../../stores/address.ts';
import type { Store } from '../../stores/store.ts';
import type { CliContext } from '../context.ts';

/** A store, or a copy of some sets. */
export interface LifecyclePlace {
  /** Undefined: the store itself. */
  readonly copy: string | undefined;
  readonly url: string;
  /** One for each life that a set gives here. */
  readonly policies: readonly ChainPolicy[];
  open(): Promise<Store>;
}

/** The store and each place that holds copies, with the sets that lie there. */
export function lifecyclePlaces(context: CliContext, config: Config): LifecyclePlace[] {
  const all = [...config.sets.values()];
  const open = async () => (await import('../wiring.ts')).openConfiguredStore(context, config);
  const places = new Map<string, LifecyclePlace>();
  for (const set of all) {
    for (const replica of set.replicas) {
      const known = places.get(replica.store);
      places.set(replica.store, {
        copy: replica.name,
        url: replica.store,
        policies: [...(known?.policies ?? []), ...policiesOf([set])],
        open: async () => (await import('../copies/copies.ts')).openReplicaStore(context, replica),
      });
    }
  }
  return [{ copy: undefined, url: config.store, policies: policiesOf(all), open }, ...places.values()];
}

/** One policy for each life that these sets give. */
export function policiesOf(sets: Iterable<Pick<SetConfig, 'keep' | 'fullEveryDays'>>): ChainPolicy[] {
  return [...sets].flatMap(({ keep, fullEveryDays }) =>
    keep.map(({ days }) => ({ keepDays: days, fullEveryDays })),
  );
}

/** A sentence: what mends a problem, with the command. */
export function lifecycleHint({ kind, id }: LifecycleProblem, url: string): string {
  switch (kind) {
    case 'missing':
    case 'wrong':
      return 'Run: holdfast store lifecycle apply';
    case 'too-many':
      return 'Shorten `keep:` or `full_every:`, or give the store a bucket of its own.';
    case 'foreign':
      return (
        `It is not ours, so holdfast leaves it alone. Change or disable rule ${id || '(without id)'}: ` +
        `aws s3api get-bucket-lifecycle-configuration --bucket ${bucketOf(url).bucket} > rules.json, edit it, then ` +
        `aws s3api put-bucket-lifecycle-configuration --bucket ${bucketOf(url).bucket} --lifecycle-configuration file://rules.json`
      );
  }
}
