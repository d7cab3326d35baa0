/**
 * The least that each role needs, as an IAM policy (docs.aws.amazon.com, "Actions, resources, and condition keys for
 * Amazon S3"); with a principal it is a bucket policy, which is what servers without IAM have. Pure.
 *
 * Every role also gets what it must never do as explicit denials: so that a further policy cannot give it by accident,
 * and because on some servers (Ceph) whoever wrote an object may read and delete it unless something denies that.
 */
import { KEEP_DAYS_MAX, WRITER_KEYS } from '../repository/layout.ts';
import { packDaysFor } from '../repository/rules.ts';
import {
  PROBE,
  bucket,
  drillPuts,
  exportParts,
  exportsLedger,
  hostPuts,
  lasting,
  object,
  ofSets,
  packsOf,
  privacyPuts,
  publicKeys,
  sealedKeys,
  wayOut,
} from './policy-keys.ts';
import type { PolicyFacts, PolicySet, Role } from './policy-keys.ts';

export { ROLES } from './policy-keys.ts';
export type { PolicyFacts, PolicySet, Role } from './policy-keys.ts';

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
    allow('ReadWhatIsPublic', ['s3:GetObject'], [...publicKeys(facts), ...exportsLedger(facts)]),
    ...put('PutSnapshots', facts, hostPuts(facts), neverOverwrite(facts)),
    ...locks(facts, LOCKED_BY_HOST),
    deny('NeverReadBack', READ, [...sealedKeys(facts), ...exportParts(facts)]),
    deny('NeverDelete', DELETE, [object(facts, '*')]),
    deny('NeverChangeTheWayOut', ['s3:PutObject'], wayOut(facts)),
    neverTheBucket(facts),
  ],
  restorer: (facts) => [
    ...list(facts),
    allow(
      'ReadEverything',
      ['s3:GetObject'],
      [...publicKeys(facts), ...sealedKeys(facts), ...exportsLedger(facts), ...exportParts(facts)],
    ),
    deny('NeverWriteOrDelete', [...WRITE, ...DELETE], [object(facts, '*')]),
    neverTheBucket(facts),
  ],
  driller: (facts) => [
    ...list(facts),
    allow('ReadEverything', ['s3:GetObject'], [...publicKeys(facts), ...sealedKeys(facts)]),
    ...put('PutEvidence', facts, drillPuts(facts), neverOverwrite(facts)),
    deny('NeverWriteBackups', WRITE, [
      object(facts, 'keep-*'),
      object(facts, `${WRITER_KEYS}*`),
      ...wayOut(facts),
    ]),
    deny('NeverDelete', DELETE, [object(facts, '*')]),
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
    ...locks(facts, LOCKED_BY_PRIVACY),
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
  copier: (facts) => (facts.isCopy ? copierThere(facts) : copierHere(facts)),
};

/** Reads; and takes a lease, so that nobody rotates or expires meanwhile. */
function copierHere(facts: PolicyFacts): PolicyStatement[] {
  const leases = ofSets(facts, ({ name }) => [`leases/${name}/*`]);
  return [
    ...list(facts),
    allow('ReadEverything', ['s3:GetObject'], [...publicKeys(facts), ...sealedKeys(facts), ...leases]),
    ...put('PutLeases', facts, leases),
    allow('EndLeases', DELETE_OBJECTS, leases),
    deny('NeverWriteOrDelete', [...WRITE, ...DELETE], [object(facts, 'keep-*'), ...lasting(facts)]),
    neverTheBucket(facts),
  ];
}

/** Puts what the store has, over damage too, and removes manifests that were replaced there; never what cannot be copied anew. */
function copierThere(facts: PolicyFacts): PolicyStatement[] {
  const everything = [...publicKeys(facts), ...sealedKeys(facts)];
  const manifests = ofSets(facts, ({ name }) => [`keep-*/${name}/snapshots/*.pgp`]);
  return [
    ...list(facts),
    allow('ReadEverything', ['s3:GetObject'], everything),
    ...put('PutCopies', facts, [...everything, object(facts, PROBE)]),
    ...locks(facts, LOCKED_BY_COPIER),
    allow('RemoveReplacedManifests', DELETE_OBJECTS, manifests),
    deny('NeverDeleteTheRest', DELETE_OBJECTS, [
      ...['chains/*', 'snapshots/*.json', 'suppression/*'].map((keys) => object(facts, `keep-*/*/${keys}`)),
      ...lasting(facts),
    ]),
    deny('NeverPassALock', ['s3:BypassGovernanceRetention'], [object(facts, '*')]),
    neverTheBucket(facts),
  ];
}

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

/** A put with a lock asks for a right of its own; the conditions keep it from locking for a hundred years. */
function locks(facts: PolicyFacts, { packs, manifests }: LockedKeys): PolicyStatement[] {
  return facts.sets.flatMap((set, index) => {
    const { keep, fullEveryDays, lock } = set;
    if (lock === undefined) return [];
    const allowLock = (what: string, keys: string[], mode: 'compliance' | 'governance', days: number) =>
      allow(
        `Lock${what}${index + 1}`,
        ['s3:PutObjectRetention'],
        keys.map((key) => object(facts, key)),
        lockOf(mode, days),
      );
    const longest = Math.max(...keep.map(({ days }) => packDaysFor(days, fullEveryDays)));
    return [
      ...(packs ? [allowLock('Packs', [packs(set)], lock.mode, longest)] : []),
      ...(lock.manifestDays === undefined
        ? []
        : [allowLock('Manifests', manifests(set), 'governance', lock.manifestDays)]),
    ];
  });
}

/** What a role puts with a lock, where the set has one. */
interface LockedKeys {
  readonly packs?: (set: PolicySet) => string;
  readonly manifests: (set: PolicySet) => string[];
}

const LOCKED_BY_HOST: LockedKeys = {
  packs: ({ name, writer }) => packsOf(name, writer),
  manifests: ({ name }) => [
    `keep-*/${name}/snapshots/*/manifest.pgp`,
    `keep-*/${name}/snapshots/*/entry.json`,
  ],
};

const LOCKED_BY_PRIVACY: LockedKeys = {
  manifests: ({ name }) => [
    `keep-*/${name}/snapshots/*/manifest-*.pgp`,
    `keep-*/${name}/snapshots/*/amend-*.json`,
  ],
};

const LOCKED_BY_COPIER: LockedKeys = {
  packs: ({ name }) => packsOf(name, '*'),
  manifests: ({ name }) => [
    `keep-*/${name}/snapshots/*/manifest*.pgp`,
    `keep-*/${name}/snapshots/*/entry.json`,
  ],
};

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
