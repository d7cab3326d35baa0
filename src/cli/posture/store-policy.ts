/** `holdfast store policy`: the least that a role needs, as text for AWS or for a server with bucket policies. */
import { Option } from 'commander';
import type { Command } from 'commander';
import type { Config, SetConfig } from '../../config/config.ts';
import { setsOf } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import type { PolicyFacts, PolicySet, Role } from '../../retention/policy.ts';
import type { CliContext } from '../context.ts';
import { withExamples } from '../program.ts';

interface PolicyFlags {
  readonly role: Role;
  readonly copy?: string;
  readonly principal?: string;
  readonly ifNoneMatch?: boolean;
  readonly mfa: boolean;
}

/** Adds `policy` to the verb `store`. */
export function registerPolicy(store: Command, context: CliContext): void {
  const command = store
    .command('policy [SET...]')
    .description('print the least that a role needs, as an IAM policy; for all sets when none is named')
    .addOption(
      new Option('--role <ROLE>', 'who it is for')
        .choices(['host', 'restorer', 'driller', 'privacy', 'copier'])
        .makeOptionMandatory(),
    )
    .option('--copy <NAME>', 'for the bucket of this copy of the sets, instead of the store')
    .option('--principal <ARN>', 'make it a bucket policy for this user, for servers without IAM')
    .option('--if-none-match', 'on AWS: puts must not overwrite (s3:if-none-match)')
    .option('--no-mfa', 'privacy: demand no second factor, for servers that know none')
    .action((names: string[], flags: PolicyFlags) => printPolicy(context, names, flags));
  withExamples(command, [
    ['holdfast store policy --role host shop > host.json', 'for the user of a database host'],
    [
      'holdfast store policy --role privacy --no-mfa --principal arn:aws:iam:::user/officer',
      'a bucket policy for Ceph',
    ],
    ['holdfast store policy --role copier', 'who runs copy reads here …'],
    ['holdfast store policy --role copier --copy offsite', '… and writes there'],
  ]);
}

async function printPolicy(context: CliContext, names: readonly string[], flags: PolicyFlags): Promise<void> {
  const { policyFor } = await import('../../retention/policy.ts');
  const config = await context.config();
  const policy = policyFor(await factsOf(config, setsOf(config, names), flags));
  if (!context.json) await context.output.write(`${JSON.stringify(policy, null, 2)}\n`);
  context.output.summary({ role: flags.role, policy });
}

/** @throws HoldfastError NO_POLICY for a folder, and for a host at a copy; COPY_UNKNOWN, COPIES_APART */
async function factsOf(config: Config, sets: readonly SetConfig[], flags: PolicyFlags): Promise<PolicyFacts> {
  const { bucketOf, schemeOf } = await import('../../stores/address.ts');
  const place = flags.copy === undefined ? { ...config, sets } : await copyPlace(sets, flags.copy);
  if (schemeOf(place.store) !== 's3') throw noPolicy(place.store);
  if (flags.role === 'host' && flags.copy !== undefined) throw noHostThere(flags.copy);
  const { bucket, prefix } = bucketOf(place.store);
  return {
    role: flags.role,
    bucket,
    root: prefix,
    isCopy: flags.copy !== undefined,
    sets: place.sets.map(policySet),
    principal: flags.principal,
    ifNoneMatch: flags.ifNoneMatch === true,
    mfa: flags.mfa,
    acl: place.s3.acl !== undefined,
  };
}

interface PolicyPlace extends Pick<Config, 'store' | 's3'> {
  readonly sets: readonly SetConfig[];
}

/** The one place of all copies of this name, and the sets that have one. */
async function copyPlace(sets: readonly SetConfig[], name: string): Promise<PolicyPlace> {
  const { replicaOf } = await import('../copies/copies.ts');
  const having = sets.filter(({ replicas }) => replicas.some((one) => one.name === name));
  const [first, ...more] = (having.length === 0 ? sets : having).map((set) => replicaOf(set, name));
  if (first === undefined) throw new Error('no sets');
  if (more.some(({ store }) => store !== first.store)) throw copiesApart(name);
  return { store: first.store, s3: first.s3, sets: having };
}

function policySet({ name, writer, keep, fullEveryDays, objectLock }: SetConfig): PolicySet {
  return { name, writer, keep, fullEveryDays, ...(objectLock && { lock: objectLock }) };
}

const noPolicy = (url: string) =>
  new HoldfastError({
    code: 'NO_POLICY',
    exit: 'usage',
    message: `store ${url} is a folder, which has no policies`,
    hint: 'Use the owner and the mode of its files: whoever may write there may delete there, too.',
  });

const noHostThere = (copy: string) =>
  new HoldfastError({
    code: 'NO_POLICY',
    exit: 'usage',
    message: `a host has no business in the copy ${copy}`,
    hint: 'Whoever takes the host over must not reach both: let another machine run holdfast copy, with --role copier.',
  });

const copiesApart = (copy: string) =>
  new HoldfastError({
    code: 'COPIES_APART',
    exit: 'usage',
    message: `the copies named ${copy} lie in several places`,
    hint: 'Name the sets whose copies share one: holdfast store policy --role ROLE --copy NAME SET.',
  });
