/** The stores whose lifecycle this configuration speaks of, and what to say about their rules. */
import type { Config, S3Config, SetConfig } from '../../config/config.ts';
import type { ChainPolicy } from '../../repository/rules.ts';
import type { LifecycleProblem } from '../../retention/lifecycle.ts';
import type { Store } from '../../stores/store.ts';
import type { CliContext } from '../context.ts';
import { awsCommand } from './aws-command.ts';

/** A store, or a copy of some sets. */
export interface LifecyclePlace {
  /** Undefined: the store itself. */
  readonly copy: string | undefined;
  readonly url: string;
  /** How it is reached. */
  readonly s3: S3Config;
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
        s3: replica.s3,
        policies: [...(known?.policies ?? []), ...policiesOf([set])],
        open: async () => (await import('../copies/copies.ts')).openReplicaStore(context, replica),
      });
    }
  }
  return [
    { copy: undefined, url: config.store, s3: config.s3, policies: policiesOf(all), open },
    ...places.values(),
  ];
}

/** One policy for each life that these sets give. */
export function policiesOf(sets: Iterable<Pick<SetConfig, 'keep' | 'fullEveryDays'>>): ChainPolicy[] {
  return [...sets].flatMap(({ keep, fullEveryDays }) =>
    keep.map(({ days }) => ({ keepDays: days, fullEveryDays })),
  );
}

/** What one command mends together; a rule of others is somebody's, and each stands alone. */
export function byRemedy(
  problems: readonly LifecycleProblem[],
): (readonly [LifecycleProblem, ...LifecycleProblem[]])[] {
  const groups = Map.groupBy(problems, ({ kind, id }) =>
    kind === 'foreign' ? `foreign ${id}` : HEALED_TOGETHER[kind],
  );
  return [...groups.values()].flatMap(([first, ...more]) => (first === undefined ? [] : [[first, ...more]]));
}

const HEALED_TOGETHER = { missing: 'apply', wrong: 'apply', 'too-many': 'too-many' } as const;

/** A sentence: what mends a problem, with the command. */
export function lifecycleHint(
  { kind, id }: LifecycleProblem,
  { url, s3 }: Pick<LifecyclePlace, 'url' | 's3'>,
): string {
  switch (kind) {
    case 'missing':
    case 'wrong':
      return 'Run: holdfast store lifecycle apply';
    case 'too-many':
      return 'Shorten `keep:` or `full_every:`, or give the store a bucket of its own.';
    case 'foreign':
      // The answer of AWS has a field beside the rules that its own put does not take.
      return (
        `It is not ours, so holdfast leaves it alone. Change or disable rule ${id || '(without id)'}: ` +
        `${awsCommand('get-bucket-lifecycle-configuration', url, s3)} --query '{Rules: Rules}' > rules.json, edit it, then ` +
        `${awsCommand('put-bucket-lifecycle-configuration', url, s3)} --lifecycle-configuration file://rules.json`
      );
  }
}
