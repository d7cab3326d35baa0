/**
 * The least that each role needs, as an IAM policy (docs.aws.amazon.com, "Actions, resources, and condition keys for
 * Amazon S3"); with a principal it is a bucket policy, which is what servers without IAM have. Pure.
 *
 * Every role also gets what it must never do as explicit denials: so that a further policy cannot give it by accident,
 * and because on some servers (Ceph) whoever wrote an object may read and delete it unless something denies that.
 */
import { KEEP_DAYS_MAX, RECOVERY_FILES, STORE_HEADER, WRITER_KEYS } from '../repository/layout.ts';
import type { KeepPolicy } from '../repository/keep.ts';
import { packDaysFor } from '../repository/rules.ts';

export type Role = 'host' | 'restorer' | 'privacy';

export const ROLES = ['host', 'restorer', 'privacy'] as const satisfies readonly Role[];

/** What a policy is made from. */
export interface PolicyFacts {
  readonly role: Role;
  readonly bucket: string;
  /** The store's root inside the bucket: empty, or with a slash at the end. */
  readonly root: string;
  /** The sets that the role is for. */
  readonly sets: readonly PolicySet[];
  /** `arn:aws:iam::…`: makes it a bucket policy, for this user or role. */
  readonly principal?: string | undefined;
  /** Demand If-None-Match of every put: AWS then refuses to overwrite. Other servers do not know the condition. */
  readonly ifNoneMatch: boolean;
  /** Demand a second factor for what destroys (privacy). */
  readonly mfa: boolean;
  /** The host gives its objects to the owner of the bucket (`s3.acl`). */
  readonly acl: boolean;
}

export interface PolicySet {
  readonly name: string;
  /** The name under which this host writes. */
  readonly writer: string;
  readonly keep: KeepPolicy;
  readonly fullEveryDays: number;
  readonly lock?: { readonly mode: 'compliance' | 'governance'; readonly manifestDays?: number } | undefined;
}

type Condition = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: { readonly AWS: string };
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Condition;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/** The policy of a role. */
export function policyFor(facts: PolicyFacts): PolicyDocument {
  const statements = STATEMENTS[facts.role](facts);
  const { principal } = facts;
  return {
    Version: '2012-10-17',
    Statement: statements.map(({ Sid, Effect, ...rest }) => ({
      Sid,
      Effect,
      ...(principal === undefined ? {} : { Principal: { AWS: principal } }),
      ...rest,
    })),
  };
}

const STATEMENTS: Readonly<Record<Role, (facts: PolicyFacts) => PolicyStatement[]>> = {
  host: (facts) => [
    ...list(facts),
    allow('ReadWhatIsPublic', ['s3:GetObject'], publicKeys(facts)),
    ...put('PutSnapshots', facts, hostPuts(facts), neverOverwrite(facts)),
    ...locks(facts),
    deny('NeverReadBack', READ, sealedKeys(facts)),
    deny('NeverDelete', DELETE, [object(facts, '*')]),
    deny('NeverChangeTheWayOut', ['s3:PutObject'], wayOut(facts)),
    neverTheBucket(facts),
  ],
  restorer: (facts) => [
    ...list(facts),
    allow('ReadEverything', ['s3:GetObject'], [...publicKeys(facts), ...sealedKeys(facts)]),
    deny('NeverWriteOrDelete', [...WRITE, ...DELETE], [object(facts, '*')]),
    neverTheBucket(facts),
  ],
  privacy: (facts) => [
    ...list(facts),
    allow(
      'ReadEverything',
      ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectRetention'],
      [...publicKeys(facts), ...sealedKeys(facts), ...ofSets(facts, ({ name }) => [`leases/${name}/*`])],
    ),
    ...put('PutRewritten', facts, privacyPuts(facts), neverOverwrite(facts)),
    ...put(
      'PutLeases',
      facts,
      ofSets(facts, ({ name }) => [`leases/${name}/*`]),
    ),
    allow(
      'EndLeases',
      DELETE_OBJECTS,
      ofSets(facts, ({ name }) => [`leases/${name}/*`]),
    ),
    allow(
      'Destroy',
      [...DELETE_OBJECTS, 's3:BypassGovernanceRetention'],
      ofSets(facts, ({ name }) => [`keep-*/${name}/*`]),
      facts.mfa ? { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } : undefined,
    ),
    deny('NeverDeleteTheRecord', DELETE_OBJECTS, [
      ...ofSets(facts, ({ name }) => [`ledger/${name}/*`]),
      object(facts, `${WRITER_KEYS}*`),
      ...wayOut(facts),
    ]),
    deny('NeverChangeTheWayOut', ['s3:PutObject'], wayOut(facts)),
    neverTheBucket(facts),
  ],
};

const READ = ['s3:GetObject', 's3:GetObjectVersion'];
const WRITE = ['s3:PutObject', 's3:PutObjectAcl', 's3:PutObjectRetention', 's3:PutObjectLegalHold'];
const DELETE_OBJECTS = ['s3:DeleteObject', 's3:DeleteObjectVersion'];
const DELETE = [...DELETE_OBJECTS, 's3:BypassGovernanceRetention'];
/** What the settings of a bucket are: `doctor` looks at them, and residency is decided by the first. */
const READ_SETTINGS = [
  's3:GetBucketLocation',
  's3:GetBucketVersioning',
  's3:GetLifecycleConfiguration',
  's3:GetBucketObjectLockConfiguration',
];
const CHANGE_SETTINGS = [
  's3:PutLifecycleConfiguration',
  's3:PutBucketVersioning',
  's3:PutBucketObjectLockConfiguration',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
  's3:DeleteBucket',
];

/** Listing is limited to the store where that is a part of the bucket; a request for a setting has no prefix. */
function list(facts: PolicyFacts): PolicyStatement[] {
  const { root } = facts;
  const inStore = root === '' ? undefined : { StringLike: { 's3:prefix': `${root}*` } };
  return [
    allow('List', ['s3:ListBucket', 's3:ListBucketVersions'], [bucket(facts)], inStore),
    allow('SeeSettings', READ_SETTINGS, [bucket(facts)]),
  ];
}

/** What has no secrets in it: the store's header, keys, the way out, entries, amendments, suppression, ledger. */
function publicKeys(facts: PolicyFacts): string[] {
  return [
    ...wayOut(facts),
    object(facts, `${WRITER_KEYS}*`),
    ...ofSets(facts, ({ name }) => [
      `keep-*/${name}/snapshots/*/entry.json`,
      `keep-*/${name}/snapshots/*/amend-*.json`,
      `keep-*/${name}/suppression/*`,
      `ledger/${name}/*`,
    ]),
  ];
}

/** What is sealed, and what a host must not get back. */
function sealedKeys(facts: PolicyFacts): string[] {
  return ofSets(facts, ({ name }) => [`keep-*/${name}/snapshots/*.pgp`, `keep-*/${name}/chains/*`]);
}

/** Below any life: a longer `keep` must not need a new policy at three in the morning. */
function hostPuts(facts: PolicyFacts): string[] {
  return [
    ...ofSets(facts, ({ name, writer }) => [
      `keep-*/${name}/snapshots/*/manifest.pgp`,
      `keep-*/${name}/snapshots/*/entry.json`,
      ...chainsOf(name, writer),
      `ledger/${name}/${writer}/*`,
    ]),
    object(facts, PROBE),
  ];
}

/** Where the store tries whether a put can refuse to overwrite (stores/s3-probe.ts). */
const PROBE = 'probe/if-absent';

/** The chains of operators in a ledger (`operatorName` in repository/ledger-writer.ts): never that of a host. */
const OPERATORS = 'key-*';

/** Rewritten manifests, their amendments, new segments and suppression, and lines in the ledger. */
function privacyPuts(facts: PolicyFacts): string[] {
  return [
    ...ofSets(facts, ({ name }) => [
      `keep-*/${name}/snapshots/*/manifest-*.pgp`,
      `keep-*/${name}/snapshots/*/amend-*.json`,
      `keep-*/${name}/chains/*`,
      `keep-*/${name}/suppression/*`,
      `ledger/${name}/${OPERATORS}/*`,
    ]),
    object(facts, PROBE),
  ];
}

function chainsOf(set: string, writer: string): string[] {
  return [packsOf(set, writer), `keep-*/${set}/chains/${writer}-*/index/*`];
}

function packsOf(set: string, writer: string): string {
  return `keep-*/${set}/chains/${writer}-*/packs/*`;
}

function wayOut(facts: PolicyFacts): string[] {
  return [STORE_HEADER, ...RECOVERY_FILES].map((key) => object(facts, key));
}

/** A put with a lock asks for a right of its own; the conditions keep it from locking for a hundred years. */
function locks(facts: PolicyFacts): PolicyStatement[] {
  return facts.sets.flatMap(({ name, writer, keep, fullEveryDays, lock }, index) => {
    if (lock === undefined) return [];
    const longest = Math.max(...keep.map(({ days }) => packDaysFor(days, fullEveryDays)));
    const packs = allow(
      `LockPacks${index + 1}`,
      ['s3:PutObjectRetention'],
      [object(facts, packsOf(name, writer))],
      lockOf(lock.mode, longest),
    );
    if (lock.manifestDays === undefined) return [packs];
    const manifests = [`keep-*/${name}/snapshots/*/manifest.pgp`, `keep-*/${name}/snapshots/*/entry.json`];
    return [
      packs,
      allow(
        `LockManifests${index + 1}`,
        ['s3:PutObjectRetention'],
        manifests.map((key) => object(facts, key)),
        lockOf('governance', lock.manifestDays),
      ),
    ];
  });
}

function lockOf(mode: 'compliance' | 'governance', days: number): Condition {
  return {
    StringEquals: { 's3:object-lock-mode': mode.toUpperCase() },
    NumericLessThanEquals: {
      's3:object-lock-remaining-retention-days': String(Math.min(days, KEEP_DAYS_MAX)),
    },
  };
}

/** Giving objects to the bucket's owner is a right of its own, and no condition of the put is sure to cover it. */
function put(
  sid: string,
  { acl }: PolicyFacts,
  resources: string[],
  condition?: Condition,
): PolicyStatement[] {
  return [
    allow(sid, ['s3:PutObject'], resources, condition),
    ...(acl ? [allow(`${sid}Acl`, ['s3:PutObjectAcl'], resources)] : []),
  ];
}

function neverOverwrite({ ifNoneMatch }: PolicyFacts): Condition | undefined {
  return ifNoneMatch ? { Null: { 's3:if-none-match': 'false' } } : undefined;
}

/** Rules, versions and locks are what keeps the promise when everybody else is dead or hostile. */
function neverTheBucket(facts: PolicyFacts): PolicyStatement {
  return deny('NeverChangeTheBucket', CHANGE_SETTINGS, [bucket(facts)]);
}

function allow(
  Sid: string,
  Action: readonly string[],
  Resource: readonly string[],
  condition?: Condition,
): PolicyStatement {
  return { Sid, Effect: 'Allow', Action, Resource, ...(condition && { Condition: condition }) };
}

function deny(Sid: string, Action: readonly string[], Resource: readonly string[]): PolicyStatement {
  return { Sid, Effect: 'Deny', Action, Resource };
}

function bucket({ bucket: name }: PolicyFacts): string {
  return `arn:aws:s3:::${name}`;
}

function object({ bucket: name, root }: PolicyFacts, key: string): string {
  return `arn:aws:s3:::${name}/${root}${key}`;
}

function ofSets(facts: PolicyFacts, keys: (set: PolicySet) => string[]): string[] {
  return facts.sets.flatMap(keys).map((key) => object(facts, key));
}
