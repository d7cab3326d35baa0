/**
 * The configuration as the program uses it: camelCase names, absolute paths, units in the names, no surprises.
 * `load.ts` makes it from holdfast.yaml; this file holds types and small questions only, so that importing it
 * loads neither the YAML parser nor the schema.
 */
import { signingKeyMissing, unknownSet } from './errors.ts';
import type { KeepPolicy } from '../repository/keep.ts';
import type { Checksum } from '../stores/s3-settings.ts';
import type { Secret } from './secret.ts';

/** What the AWS defaults (environment, profile, instance role) do not know by themselves. */
export interface S3Config {
  readonly region?: string;
  /** `https://host[:port]` of a server that is not AWS. */
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  /** How a put proves that its bytes arrived; the store knows a good default. */
  readonly checksum?: Checksum;
  /** Absolute path of a PEM file with extra certificate authorities. */
  readonly caFile?: string;
  /** For buckets that belong to another account: their owner can read what this host writes. */
  readonly acl?: 'bucket-owner-full-control';
  /** Name of a profile in the shared AWS configuration. */
  readonly profile?: string;
}

/** Where a database URL comes from; `environment` means libpq's own PG* variables and `.pgpass`. */
export type Connection =
  | { readonly from: 'url'; readonly url: Secret }
  | { readonly from: 'variable'; readonly variable: string }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'command'; readonly argv: readonly string[]; readonly folder: string }
  | { readonly from: 'environment' };

/** Locks that the bucket itself enforces. */
export interface ObjectLockConfig {
  /** Of packs, until their time-to-live: nobody shortens `compliance`; a special right bypasses `governance`. */
  readonly mode: 'compliance' | 'governance';
  /** Days of governance on manifests; never compliance, for a manifest must stay deletable. Absent: no lock. */
  readonly manifestDays?: number;
}

/** A further store that `holdfast copy` brings level. */
export interface ReplicaConfig {
  /** Unique within its set. */
  readonly name: string;
  /** As `Config.store`. */
  readonly store: string;
  readonly s3: S3Config;
}

/** Commands around each backup of a set. */
export interface HooksConfig {
  /** Arguments, without a shell. */
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  /** For each of them. */
  readonly timeoutSeconds: number;
}

/** A question to what a drill has restored, and what the answer must be. */
export interface CheckConfig {
  /** For people. */
  readonly name: string;
  readonly question:
    | { readonly sql: string }
    /** Of Redis: a command by its words, and the number of the database. */
    | { readonly command: readonly string[]; readonly database: number }
    /** Of files: a pattern of paths. */
    | { readonly files: string };
  readonly expect: {
    readonly equals?: string | number | boolean | null;
    readonly atLeast?: number;
    readonly atMost?: number;
    /** Before the snapshot's time. */
    readonly newerThanHours?: number;
  };
}

interface SetBase {
  readonly name: string;
  /** Every snapshot stays restorable for at least this many days: the shortest life of `keep`. */
  readonly keepDays: number;
  /** Lives by calendar class, the shortest first; a plain `keep: 30d` is one class. */
  readonly keep: KeepPolicy;
  /** A full starts at the latest this many days after the last one. */
  readonly fullEveryDays: number;
  /** Absolute path of the subject map. */
  readonly subjects?: string;
  /** The name under which this host writes. */
  readonly writer: string;
  readonly objectLock?: ObjectLockConfig;
  /** `auto`: what is past its promise is removed at the end of `backup` (folders only). */
  readonly expire: 'auto' | 'manual';
  /** What a backup does when somebody whom a purge erased is in the database; absent: `warn`. */
  readonly onPurged?: 'refuse' | 'warn' | 'filter';
  readonly hooks?: HooksConfig;
  readonly replicas: readonly ReplicaConfig[];
  /** What a drill asks. */
  readonly checks?: readonly CheckConfig[];
  /** References to rows that are not there: so many a drill takes; absent: those that the source had. */
  readonly brokenReferences?: number;
}

export interface PostgresSet extends SetBase {
  readonly source: 'postgres';
  readonly connection: Connection;
}

export interface SqliteSet extends SetBase {
  readonly source: 'sqlite';
  /** Absolute path of the database file. */
  readonly path: string;
}

export interface MysqlSet extends SetBase {
  readonly source: 'mysql';
  readonly connection: Connection;
}

export interface RedisSet extends SetBase {
  readonly source: 'redis';
  readonly connection: Connection;
}

export interface FilesSet extends SetBase {
  readonly source: 'files';
  /** Absolute path of the folder. */
  readonly path: string;
  /** Patterns of what is left out. */
  readonly exclude: readonly string[];
}

/** What is reached by a URL. */
export type DatabaseSet = PostgresSet | MysqlSet | RedisSet;

export type SetConfig = DatabaseSet | SqliteSet | FilesSet;

export type MonitorKind = 'ping' | 'webhook' | 'email' | 'metrics';

/** What a run can be about; each of these verbs tells when it ends. */
export type MonitoredVerb = 'backup' | 'copy' | 'drill' | 'expire' | 'purge' | 'verify';

interface MonitorBase {
  /** Where it stands in the file, for messages: `monitors[0]`. */
  readonly place: string;
  /** Only these sets; undefined: all. */
  readonly sets?: readonly string[];
  readonly verbs: readonly MonitoredVerb[];
}

interface RemoteMonitor extends MonitorBase {
  readonly address: Connection;
  readonly when: 'always' | 'success' | 'failure';
  /** For everything, with what is tried again. */
  readonly timeoutSeconds: number;
  /** Absolute path of a PEM file with extra certificate authorities. */
  readonly caFile?: string;
}

export type MonitorConfig =
  | (RemoteMonitor & {
      readonly kind: 'ping';
      /** What a failure adds to the URL. */ readonly failure: string;
    })
  | (RemoteMonitor & { readonly kind: 'webhook'; readonly format: 'json' | 'slack' })
  | (RemoteMonitor & { readonly kind: 'email'; readonly from: string; readonly to: readonly string[] })
  | (MonitorBase & { readonly kind: 'metrics'; /** Absolute. */ readonly path: string });

/** What was promised to people; reports compare these with what happened. */
export interface Promises {
  readonly residency: readonly string[];
  readonly erasureWithinDays?: number;
  readonly drillEveryDays?: number;
  readonly backupEveryHours?: number;
  /** A purge needs the approval of another operator than the one who planned it. */
  readonly twoPerson?: boolean;
}

export interface Config {
  /** Absolute path of the file that was read. */
  readonly file: string;
  /** Its folder: relative paths start here. */
  readonly folder: string;
  /** `s3://bucket[/prefix]` or `file:///absolute/path`, without a slash at the end. */
  readonly store: string;
  readonly s3: S3Config;
  /** Absolute paths of OpenPGP public keys; at least one. */
  readonly recipients: readonly string[];
  /** Absolute paths of public keys that were recipients: nothing is sealed to them, their signatures count. */
  readonly formerRecipients: readonly string[];
  /** Absolute path of this host's signing key; absent on machines that only read. */
  readonly signingKey?: string;
  /** Absolute paths of public keys of hosts whose snapshots are believed. */
  readonly trustedSigners: readonly string[];
  /** Absolute paths of public keys whose purges are obeyed. */
  readonly purgeSigners: readonly string[];
  readonly stateDir: string;
  /** zstd level, 1 to 19. */
  readonly compressionLevel: number;
  /** By name, in the order of the file. */
  readonly sets: ReadonlyMap<string, SetConfig>;
  readonly promises: Promises;
  /** Who is told how runs ended, in the order of the file. */
  readonly monitors: readonly MonitorConfig[];
  /** Things to say once before the work starts. */
  readonly warnings: readonly string[];
}

/** The set of this name; throws SET_UNKNOWN with the nearest name as a hint. */
export function setOf(config: Config, name: string): SetConfig {
  const set = config.sets.get(name);
  if (set === undefined) throw unknownSet(name, [...config.sets.keys()], config.file);
  return set;
}

/** The sets of these names in the order given, without repeats; all sets when none is named. */
export function setsOf(config: Config, names: readonly string[]): readonly SetConfig[] {
  if (names.length === 0) return [...config.sets.values()];
  return [...new Set(names)].map((name) => setOf(config, name));
}

/** The path of the signing key; throws SIGNING_KEY_MISSING on a machine that has none configured. */
export function signingKeyOf(config: Config): string {
  if (config.signingKey === undefined) throw signingKeyMissing(config.file);
  return config.signingKey;
}
