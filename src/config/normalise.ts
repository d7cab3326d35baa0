/** From the valid file to the configuration that the program uses: defaults filled in, paths absolute. */
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { checkFrom } from './checks.ts';
import { splitCommand } from './command.ts';
import { KEEP_CLASSES } from '../repository/keep.ts';
import type { KeepPolicy } from '../repository/keep.ts';
import type {
  Config,
  Connection,
  HooksConfig,
  Promises,
  ReplicaConfig,
  S3Config,
  SetConfig,
} from './config.ts';
import { parseDays, parseHours, parseSeconds } from './duration.ts';
import { monitorFrom } from './monitors.ts';
import { writerFrom } from './names.ts';
import { FULL_EVERY_DAYS } from './rules.ts';
import type { RawConfig, RawReplica, RawSet } from './schema.ts';
import { maskSecrets, Secret } from './secret.ts';
import { resolveStoreUrl } from './store-url.ts';

const COMPRESSION_LEVEL = 1;
/** How long a command around a backup may take when the set does not say. */
const HOOK_SECONDS = 600;

interface Surroundings {
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly host: string;
  readonly openToAll?: boolean;
}

/** Total: every valid file has a configuration. */
export function normalise(raw: RawConfig, { file, env, host, openToAll }: Surroundings): Config {
  const folder = dirname(file);
  const home = env['HOME'] ?? homedir();
  const absolute = (path: string): string =>
    resolve(folder, path.startsWith('~/') ? join(home, path.slice(2)) : path);
  const sets = Object.entries(raw.sets).map(([name, set]) => setFrom(name, set, { absolute, host, folder }));
  return {
    file,
    folder,
    store: resolveStoreUrl(raw.store, folder),
    s3: s3From(raw.s3, absolute),
    recipients: raw.recipients.map(absolute),
    formerRecipients: (raw.former_recipients ?? []).map(absolute),
    ...optional('signingKey', raw.signing_key, absolute),
    trustedSigners: (raw.trusted_signers ?? []).map(absolute),
    purgeSigners: (raw.purge_signers ?? []).map(absolute),
    stateDir: raw.state_dir === undefined ? defaultStateDir(env, home) : absolute(raw.state_dir),
    compressionLevel: raw.compression ?? COMPRESSION_LEVEL,
    sets: new Map(sets.map((set) => [set.name, set])),
    promises: promisesFrom(raw),
    monitors: (raw.monitors ?? []).map((monitor, index) => monitorFrom(monitor, index, { absolute, folder })),
    warnings: openToAll === true ? passwordWarnings(raw, file) : [],
  };
}

/** Where a host remembers its chains (XDG base directory specification, version 0.8). */
function defaultStateDir(env: NodeJS.ProcessEnv, home: string): string {
  const xdg = env['XDG_STATE_HOME'];
  return xdg?.startsWith('/') ? join(xdg, 'holdfast') : join(home, '.local/state/holdfast');
}

interface SetSurroundings {
  readonly absolute: (path: string) => string;
  readonly host: string;
  readonly folder: string;
}

function setFrom(name: string, raw: RawSet, { absolute, host, folder }: SetSurroundings): SetConfig {
  const keep = keepFrom(raw.keep);
  const base = {
    name,
    keepDays: keep[0].days,
    keep,
    fullEveryDays: raw.full_every === undefined ? FULL_EVERY_DAYS : parseDays(raw.full_every),
    ...optional('subjects', raw.subjects, absolute),
    writer: raw.writer ?? writerFrom(host),
    ...optional('objectLock', raw.object_lock, ({ mode, manifests }) => ({
      mode,
      ...optional('manifestDays', manifests, parseDays),
    })),
    expire: raw.expire ?? 'manual',
    ...optional('onPurged', raw.on_purged),
    ...hooksFrom(raw),
    replicas: (raw.replicas ?? []).map((replica) => replicaFrom(replica, absolute, folder)),
    ...optional('checks', raw.checks, (checks) => checks.map(checkFrom)),
    ...optional('brokenReferences', raw.broken_references),
  };
  if (raw.source === 'sqlite') return { ...base, source: 'sqlite', path: absolute(raw.path ?? '') };
  if (raw.source === 'files')
    return { ...base, source: 'files', path: absolute(raw.path ?? ''), exclude: raw.exclude ?? [] };
  const source = raw.source === 'mysql' || raw.source === 'redis' ? raw.source : 'postgres';
  return { ...base, source, connection: connectionFrom(raw, absolute, folder) };
}

function hooksFrom({ before, after, hook_timeout }: RawSet): { readonly hooks?: HooksConfig } {
  if (before === undefined && after === undefined) return {};
  const hooks = {
    ...optional('before', before, argvFrom),
    ...optional('after', after, argvFrom),
    timeoutSeconds: hook_timeout === undefined ? HOOK_SECONDS : parseSeconds(hook_timeout),
  };
  return { hooks };
}

function argvFrom(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? splitCommand(command) : command;
}

/** Shortest first: rules.ts holds that a longer period has a longer life. */
function keepFrom(raw: RawSet['keep']): KeepPolicy {
  if (typeof raw === 'string') return [{ name: 'daily', days: parseDays(raw) }];
  const [daily, ...longer] = KEEP_CLASSES;
  return [
    { name: daily, days: parseDays(raw.daily ?? '') },
    ...longer.flatMap((name) => {
      const days = raw[name];
      return days === undefined ? [] : [{ name, days: parseDays(days) }];
    }),
  ];
}

function replicaFrom(
  { name, store, s3 }: RawReplica,
  absolute: (path: string) => string,
  folder: string,
): ReplicaConfig {
  return { name, store: resolveStoreUrl(store, folder), s3: s3From(s3, absolute) };
}

function connectionFrom(raw: RawSet, absolute: (path: string) => string, folder: string): Connection {
  if (raw.url !== undefined) return { from: 'url', url: new Secret(raw.url) };
  if (raw.url_env !== undefined) return { from: 'variable', variable: raw.url_env };
  if (raw.url_file !== undefined) return { from: 'file', path: absolute(raw.url_file) };
  if (raw.url_command === undefined) return { from: 'environment' };
  return { from: 'command', argv: argvFrom(raw.url_command), folder };
}

function s3From(raw: RawConfig['s3'], absolute: (path: string) => string): S3Config {
  const s3 = raw ?? {};
  return {
    ...optional('region', s3.region),
    ...optional('endpoint', s3.endpoint, (url) => url.replace(/\/$/, '')),
    ...optional('forcePathStyle', s3.force_path_style),
    ...optional('checksum', s3.checksum),
    ...optional('caFile', s3.ca_file, absolute),
    ...optional('profile', s3.profile),
    ...optional('acl', s3.acl),
  };
}

function promisesFrom({ promises = {} }: RawConfig): Promises {
  return {
    residency: promises.residency ?? [],
    ...optional('erasureWithinDays', promises.erasure_within, parseDays),
    ...optional('drillEveryDays', promises.drill_every, parseDays),
    ...optional('backupEveryHours', promises.backup_every, parseHours),
    ...optional('twoPerson', promises.two_person),
  };
}

function passwordWarnings(raw: RawConfig, file: string): readonly string[] {
  const advice = `and every user of this machine can read it; run: chmod 600 ${file}`;
  const sets = Object.entries(raw.sets)
    .filter(([, set]) => set.url !== undefined && maskSecrets(set.url) !== set.url)
    .map(([name]) => `${file} holds the password of set ${name} ${advice}`);
  // Whoever knows where a monitor is told can tell it things.
  const monitors = (raw.monitors ?? []).flatMap(({ url }, index) =>
    url === undefined ? [] : [`${file} holds the address of monitors[${index}] ${advice}`],
  );
  return [...sets, ...monitors];
}

/** `{ [key]: value }`, or nothing at all when there is no value: absent keys stay absent. */
function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V };
function optional<K extends string, V, W>(
  key: K,
  value: V | undefined,
  convert: (value: V) => W,
): { readonly [P in K]?: W };
function optional(key: string, value: unknown, convert = (same: unknown): unknown => same): object {
  return value === undefined ? {} : { [key]: convert(value) };
}
