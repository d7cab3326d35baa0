/** Who the roles are, and which keys each policy is about, as ARNs; `policy.ts` makes statements of them. */
import { RECOVERY_FILES, SEALED, STORE_HEADER, WRITER_KEYS } from '../repository/layout.ts';
import type { KeepPolicy } from '../repository/keep.ts';

export const ROLES = ['host', 'restorer', 'driller', 'privacy', 'copier'] as const;
export type Role = (typeof ROLES)[number];

/** What a policy is made from. */
export interface PolicyFacts {
  readonly role: Role;
  readonly bucket: string;
  /** The store's root inside the bucket: empty, or with a slash at the end. */
  readonly root: string;
  /** The bucket is that of a copy, and not the store's own. Only a copier does other things there. */
  readonly isCopy: boolean;
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

/** What has no secrets in it: the store's header, keys, the way out, entries, amendments, suppression, ledger. */
export function publicKeys(facts: PolicyFacts): string[] {
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
export function sealedKeys(facts: PolicyFacts): string[] {
  return ofSets(facts, ({ name }) => [`keep-*/${name}/snapshots/*.pgp`, `keep-*/${name}/chains/*`]);
}

/** Below any life: a longer `keep` must not need a new policy at three in the morning. */
export function hostPuts(facts: PolicyFacts): string[] {
  return [
    ...ofSets(facts, ({ name, writer }) => [
      `keep-*/${name}/snapshots/*/manifest.pgp`,
      `keep-*/${name}/snapshots/*/entry.json`,
      ...chainsOf(name, writer),
      `ledger/${name}/${writer}/*`,
    ]),
    ...[...new Set(facts.sets.map(({ writer }) => writer))].map((writer) =>
      object(facts, `ledger/${SEALED}/${writer}/*`),
    ),
    ...exportParts(facts),
    object(facts, PROBE),
  ];
}

/** What `seal --store` puts; sealed, so no host gets it back. */
export function exportParts(facts: PolicyFacts): string[] {
  return [object(facts, `keep-*/${SEALED}/*`)];
}

/** Which exports were sealed: for everybody who may read a ledger. */
export function exportsLedger(facts: PolicyFacts): string[] {
  return [object(facts, `ledger/${SEALED}/*`)];
}

/** Where the store tries whether a put can refuse to overwrite (stores/s3-probe.ts). */
export const PROBE = 'probe/if-absent';

/** The chains of operators in a ledger (`operatorName` in repository/ledger-writer.ts): never that of a host. */
const OPERATORS = 'key-*';

/** What came of a drill: a line in the ledger, in the chains of drills (drill/evidence.ts) and nowhere else. */
export function drillPuts(facts: PolicyFacts): string[] {
  return [...ofSets(facts, ({ name }) => [`ledger/${name}/drill-*/*`]), object(facts, PROBE)];
}

/** Rewritten manifests, their amendments, new segments and suppression, and lines in the ledger. */
export function privacyPuts(facts: PolicyFacts): string[] {
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

export function packsOf(set: string, writer: string): string {
  return `keep-*/${set}/chains/${writer}-*/packs/*`;
}

export function wayOut(facts: PolicyFacts): string[] {
  return [STORE_HEADER, ...RECOVERY_FILES].map((key) => object(facts, key));
}

/** What stays as long as the store does. */
export function lasting(facts: PolicyFacts): string[] {
  return [object(facts, 'ledger/*'), object(facts, `${WRITER_KEYS}*`), ...wayOut(facts)];
}

export function bucket({ bucket: name }: PolicyFacts): string {
  return `arn:aws:s3:::${name}`;
}

export function object({ bucket: name, root }: PolicyFacts, key: string): string {
  return `arn:aws:s3:::${name}/${root}${key}`;
}

export function ofSets(facts: PolicyFacts, keys: (set: PolicySet) => string[]): string[] {
  return facts.sets.flatMap(keys).map((key) => object(facts, key));
}
