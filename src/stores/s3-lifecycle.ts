/**
 * Lifecycle rules, from the SDK's form to ours and back.
 *
 * Rules of others must come back exactly as they were. What our form cannot say is therefore kept as it came (`raw`);
 * only the two old spellings of a filter are brought into today's, which servers want as soon as one rule has it:
 * a prefix beside the filter instead of inside, and several conditions without the `And` around them (Ceph answers so).
 *
 * Format: https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
 */
import { isDeepStrictEqual } from 'node:util';
import type { LifecycleExpiration, LifecycleRule as SdkRule, LifecycleRuleFilter } from '@aws-sdk/client-s3';
import type { LifecycleRule } from './bucket.ts';

/** A rule as the bucket has it, in our form. */
export function ruleFrom(given: SdkRule): LifecycleRule {
  const sdk = modern(given);
  const conditions = conditionsOf(sdk.Filter);
  const rule = compact<LifecycleRule>({
    id: sdk.ID ?? '',
    enabled: sdk.Status === 'Enabled',
    prefix: conditions.Prefix ?? '',
    expireDays: sdk.Expiration?.Days,
    expireDate: sdk.Expiration?.Date,
    noncurrentDays: sdk.NoncurrentVersionExpiration?.NoncurrentDays,
    abortMultipartDays: sdk.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
    expiredDeleteMarkers: sdk.Expiration?.ExpiredObjectDeleteMarker === true ? true : undefined,
    filtered: Object.keys(conditions).some((name) => name !== 'Prefix') ? true : undefined,
  });
  return isDeepStrictEqual(ruleTo(rule), sdk) ? rule : { ...rule, raw: given };
}

/** A rule in the SDK's form. */
export function ruleTo(rule: LifecycleRule): SdkRule {
  if (rule.raw !== undefined) return modern(rule.raw as SdkRule);
  const expiration = compact<LifecycleExpiration>({
    Days: rule.expireDays,
    ExpiredObjectDeleteMarker: rule.expiredDeleteMarkers,
  });
  return compact<SdkRule>({
    ID: rule.id,
    Status: rule.enabled ? 'Enabled' : 'Disabled',
    Filter: { Prefix: rule.prefix },
    Expiration: Object.keys(expiration).length === 0 ? undefined : expiration,
    NoncurrentVersionExpiration: inside('NoncurrentDays', rule.noncurrentDays),
    AbortIncompleteMultipartUpload: inside('DaysAfterInitiation', rule.abortMultipartDays),
  });
}

/** Rules made years ago are still answered like this. */
type OldRule = Omit<SdkRule, 'Prefix'> & { readonly Prefix?: string };

/** The same rule with its conditions where today's form has them. */
function modern(given: SdkRule): SdkRule {
  const { Prefix: prefixBeside, Filter, ...rest } = compact<OldRule>(given);
  const conditions = conditionsOf(Filter);
  const Prefix = conditions.Prefix ?? prefixBeside;
  return { ...rest, Filter: filterOf(Prefix === undefined ? conditions : { ...conditions, Prefix }) };
}

interface Conditions extends Omit<LifecycleRuleFilter, 'And' | 'Tag'> {
  readonly Tags?: NonNullable<LifecycleRuleFilter['Tag']>[];
}

function conditionsOf(filter: LifecycleRuleFilter | undefined): Conditions {
  const { And, Tag, ...beside } = filter ?? {};
  const Tags = [...(Tag === undefined ? [] : [Tag]), ...(And?.Tags ?? [])];
  return compact<Conditions>({ ...beside, ...And, Tags: Tags.length === 0 ? undefined : Tags });
}

function filterOf(conditions: Conditions): LifecycleRuleFilter {
  const { Tags = [], ...others } = conditions;
  const count = Tags.length + Object.keys(others).length;
  if (count > 1) return { And: conditions };
  const [Tag] = Tags;
  if (Tag !== undefined) return { Tag };
  // "Everything" is written as an empty prefix.
  return count === 0 ? { Prefix: '' } : others;
}

function inside<K extends string>(name: K, value: number | undefined): Record<K, number> | undefined {
  return value === undefined ? undefined : ({ [name]: value } as Record<K, number>);
}

/** Without the fields that are undefined. */
function compact<T extends object>(fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
