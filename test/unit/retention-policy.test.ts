/**
 * The policies as text: what each role gets, to the letter. What a server makes of them is in
 * test/integration/least-privilege.test.ts; what the test server cannot check (MFA, If-None-Match and lock conditions)
 * is held here only.
 */
import { test as propertyTest, fc } from '@fast-check/vitest';
import { describe, expect, test } from 'vitest';
import { ROLES, policyFor } from '../../src/retention/policy.ts';
import type { PolicyDocument, PolicyFacts, PolicyStatement } from '../../src/retention/policy.ts';

const FACTS: PolicyFacts = {
  role: 'host',
  bucket: 'acme-backups',
  root: 'prod/',
  isCopy: false,
  sets: [{ name: 'shop', writer: 'db1', keep: [{ name: 'daily', days: 30 }], fullEveryDays: 7 }],
  ifNoneMatch: false,
  mfa: true,
  acl: false,
};
const LOCKED: PolicyFacts = {
  ...FACTS,
  root: '',
  ifNoneMatch: true,
  acl: true,
  sets: [
    ...FACTS.sets,
    {
      name: 'crm-eu',
      writer: 'db2',
      keep: [
        { name: 'daily', days: 30 },
        { name: 'weekly', days: 90 },
      ],
      fullEveryDays: 7,
      lock: { mode: 'compliance', manifestDays: 3 },
    },
  ],
};

describe('the text', () => {
  test.each(ROLES)('for %s', (role) => {
    expect(policyFor({ ...FACTS, role })).toMatchSnapshot();
  });

  test('for a copier, where the copy lies, with locks', () => {
    expect(policyFor({ ...LOCKED, role: 'copier', isCopy: true })).toMatchSnapshot();
  });

  test('for a host with locks, on AWS', () => {
    expect(policyFor(LOCKED)).toMatchSnapshot();
  });

  test('as a bucket policy, without a second factor', () => {
    const policy = policyFor({
      ...FACTS,
      role: 'privacy',
      principal: 'arn:aws:iam:::user/officer',
      mfa: false,
    });
    for (const { Principal } of policy.Statement)
      expect(Principal).toEqual({ AWS: 'arn:aws:iam:::user/officer' });
    expect(JSON.stringify(policy)).not.toContain('MultiFactor');
  });
});

describe('what each role may', () => {
  const host = (facts: PolicyFacts = FACTS) => policyFor(facts);
  const privacy = policyFor({ ...FACTS, role: 'privacy' });
  const restorer = policyFor({ ...FACTS, role: 'restorer' });
  const snapshot = 'keep-030/shop/snapshots/20261121T030005Z-9f3a01c4/';
  const pack = 'keep-039/shop/chains/db1-4/packs/00112233445566aa';

  test('a host adds, reads what is public, and nothing else', () => {
    for (const key of [
      `${snapshot}manifest.pgp`,
      `${snapshot}entry.json`,
      pack,
      'ledger/shop/db1/0000000001.json',
    ])
      expect(allowed(host(), 's3:PutObject', key)).toBe(true);
    for (const key of ['holdfast.json', 'recover.sh', `${snapshot}entry.json`, `${snapshot}amend-2.json`])
      expect(allowed(host(), 's3:GetObject', key)).toBe(true);
    for (const key of [`${snapshot}manifest.pgp`, `${snapshot}manifest-2.pgp`, pack])
      for (const action of ['s3:GetObject', 's3:GetObjectVersion'])
        expect(allowed(host(), action, key)).toBe(false);
    for (const key of [
      ...['holdfast.json', 'recover.sh', 'recover.sh.asc', 'RECOVERY.md', 'writers/AB.asc'],
      ...[
        `${snapshot}amend-2.json`,
        `${snapshot}manifest-2.pgp`,
        'ledger/shop/key-0011223344556677/0000000001.json',
      ],
      ...['keep-039/shop/chains/db2-4/packs/00112233445566aa', 'keep-030/crm/snapshots/x/manifest.pgp'],
      'leases/shop/x.json',
    ])
      expect([key, allowed(host(), 's3:PutObject', key)]).toEqual([key, false]);
  });

  test('a driller reads everything, and puts a line about a drill into the ledger', () => {
    const driller = policyFor({ ...FACTS, role: 'driller' });
    for (const key of [`${snapshot}manifest.pgp`, pack, 'ledger/shop/db1/0000000001.json', 'holdfast.json'])
      expect(allowed(driller, 's3:GetObject', key)).toBe(true);
    expect(allowed(driller, 's3:PutObject', 'ledger/shop/drill-0011223344556677/0000000001.json')).toBe(true);
    const others = [
      `${snapshot}manifest-2.pgp`,
      `${snapshot}entry.json`,
      pack,
      'recover.sh',
      'writers/AB.asc',
    ];
    const lines = ['key-0011223344556677', 'db1'].map((writer) => `ledger/shop/${writer}/0000000001.json`);
    for (const key of [...others, ...lines, 'leases/shop/x.json'])
      expect([key, allowed(driller, 's3:PutObject', key)]).toEqual([key, false]);
    for (const action of ['s3:DeleteObject', 's3:DeleteObjectVersion'])
      expect(allowed(driller, action, 'ledger/shop/drill-0011223344556677/0000000001.json')).toBe(false);
  });

  test('nobody but privacy deletes, and privacy neither the ledger nor the way out', () => {
    for (const key of [`${snapshot}manifest.pgp`, pack, 'ledger/shop/db1/0000000001.json', 'holdfast.json']) {
      for (const action of ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:BypassGovernanceRetention']) {
        expect(allowed(host(), action, key)).toBe(false);
        expect(allowed(restorer, action, key)).toBe(false);
        expect(allowed(privacy, action, key)).toBe(key.startsWith('keep-'));
      }
    }
    for (const key of [`${snapshot}manifest.pgp`, pack])
      expect(allowed(restorer, 's3:PutObject', key)).toBe(false);
    for (const key of [
      `${snapshot}manifest.pgp`,
      `${snapshot}entry.json`,
      'recover.sh',
      'ledger/shop/db1/1.json',
    ])
      expect(allowed(privacy, 's3:PutObject', key)).toBe(false);
    for (const key of [`${snapshot}manifest-2.pgp`, `${snapshot}amend-2.json`, 'leases/shop/x.json'])
      expect(allowed(privacy, 's3:PutObject', key)).toBe(true);
  });

  test('a copier reads everything here, and leaves nothing but a lease', () => {
    const here = policyFor({ ...FACTS, role: 'copier' });
    const everything = [
      ...[`${snapshot}manifest.pgp`, `${snapshot}manifest-2.pgp`, `${snapshot}entry.json`, pack],
      ...[
        'keep-039/shop/chains/db1-4/index/00',
        'keep-030/shop/suppression/x',
        'ledger/shop/db1/0000000001.json',
      ],
      ...['holdfast.json', 'recover.sh', 'recover.sh.asc', 'RECOVERY.md', 'writers/AB.asc'],
    ];
    for (const key of everything) {
      expect([key, allowed(here, 's3:GetObject', key)]).toEqual([key, true]);
      for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion'])
        expect([key, action, allowed(here, action, key)]).toEqual([key, action, false]);
    }
    for (const action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:DeleteObjectVersion']) {
      expect(allowed(here, action, 'leases/shop/x.json')).toBe(true);
      expect(allowed(here, action, 'leases/crm/x.json')).toBe(false);
    }
  });

  test('a copier puts everything there, and deletes manifests only, none of them past a lock', () => {
    const there = policyFor({ ...LOCKED, root: 'prod/', role: 'copier', isCopy: true });
    const manifests = [`${snapshot}manifest.pgp`, `${snapshot}manifest-2.pgp`];
    const rest = [
      ...[`${snapshot}entry.json`, `${snapshot}amend-2.json`, pack, 'keep-039/shop/chains/db2-4/packs/00'],
      ...[
        'keep-039/shop/chains/db1-4/index/00',
        'keep-030/shop/suppression/x',
        'ledger/shop/db1/0000000001.json',
      ],
      ...[
        'ledger/shop/key-0011223344556677/0000000001.json',
        'writers/AB.asc',
        'holdfast.json',
        'recover.sh',
      ],
    ];
    for (const key of [...manifests, ...rest]) {
      expect([key, allowed(there, 's3:PutObject', key)]).toEqual([key, true]);
      expect([key, allowed(there, 's3:GetObject', key)]).toEqual([key, true]);
      for (const action of ['s3:DeleteObject', 's3:DeleteObjectVersion'])
        expect([key, allowed(there, action, key)]).toEqual([key, manifests.includes(key)]);
      expect(allowed(there, 's3:BypassGovernanceRetention', key)).toBe(false);
    }
    // What it puts may be locked as long as the original may, whoever wrote that.
    const lockable = (key: string) => allowed(there, 's3:PutObjectRetention', key);
    for (const key of [...manifests, `${snapshot}entry.json`, pack])
      expect(lockable(key.replace('/shop/', '/crm-eu/'))).toBe(true);
    for (const key of [pack, 'holdfast.json', 'ledger/crm-eu/db2/0000000001.json'])
      expect(lockable(key)).toBe(false);
  });

  test('privacy locks what it rewrites where manifests are locked, and nothing else', () => {
    const locked = policyFor({ ...LOCKED, root: 'prod/', role: 'privacy' });
    const folder = snapshot.replace('/shop/', '/crm-eu/');
    for (const name of ['manifest-2.pgp', 'amend-2.json'])
      expect(allowed(locked, 's3:PutObjectRetention', folder + name)).toBe(true);
    for (const key of [
      `${folder}manifest.pgp`,
      `${snapshot}manifest-2.pgp`,
      pack.replace('/shop/', '/crm-eu/'),
    ])
      expect(allowed(locked, 's3:PutObjectRetention', key)).toBe(false);
  });

  test('nobody changes lifecycle rules, versions, locks or policies', () => {
    for (const role of ROLES) {
      for (const action of ['s3:PutLifecycleConfiguration', 's3:PutBucketVersioning', 's3:PutBucketPolicy'])
        expect(allowed(policyFor({ ...FACTS, role }), action, undefined)).toBe(false);
    }
  });

  test('what destroys demands a second factor', () => {
    const destroying = privacy.Statement.filter(
      ({ Effect, Action, Resource }) =>
        Effect === 'Allow' &&
        Action.includes('s3:DeleteObject') &&
        Resource.some((one) => one.includes('keep-')),
    );
    expect(destroying).toHaveLength(1);
    expect(destroying[0]?.Condition).toEqual({ Bool: { 'aws:MultiFactorAuthPresent': 'true' } });
  });

  propertyTest.prop([
    fc.constantFrom(...ROLES),
    fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,20}$/),
    fc.boolean(),
    fc.boolean(),
  ])('of one set, never of another, and only within the store', (role, name, locked, isCopy) => {
    const sets = [{ ...(LOCKED.sets[1] ?? FACTS.sets[0]), name, ...(locked ? {} : { lock: undefined }) }];
    const policy = policyFor({ ...FACTS, role, isCopy, sets: sets as PolicyFacts['sets'] });
    const ids = policy.Statement.map(({ Sid }) => Sid);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]+$/);
    for (const { Effect, Resource } of policy.Statement) {
      for (const resource of Resource) expect(resource).toMatch(/^arn:aws:s3:::acme-backups($|\/prod\/)/);
      if (Effect === 'Allow') expect(Resource.join()).not.toContain('/prod/*');
    }
    const other = name === 'other' ? 'third' : 'other';
    for (const action of ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'])
      expect(allowed(policy, action, `keep-030/${other}/snapshots/x/manifest.pgp`)).toBe(false);
  });
});

/** What IAM would say, conditions taken as met: `*` is any text, a denial wins. */
function allowed(policy: PolicyDocument, action: string, key: string | undefined): boolean {
  const resource = `arn:aws:s3:::acme-backups${key === undefined ? '' : `/prod/${key}`}`;
  const hits = policy.Statement.filter((statement) => covers(statement, action, resource));
  return hits.length > 0 && hits.every(({ Effect }) => Effect === 'Allow');
}

function covers({ Action, Resource }: PolicyStatement, action: string, resource: string): boolean {
  return Action.includes(action) && Resource.some((pattern) => matches(pattern, resource));
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(text);
}
