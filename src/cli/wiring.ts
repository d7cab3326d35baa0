/** The only place that knows implementations: from the configuration to stores, sources, loaders and keys. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config, S3Config, SetConfig } from '../config/config.ts';
import type { MessageOpener, StreamOpener } from '../openpgp/message.ts';
import type { openpgp } from '../openpgp/library.ts';
import type { Session } from '../repository/session.ts';
import type { Loader, Source, SourceKind } from '../sources/source.ts';
import type { RetryEvent } from '../stores/retry.ts';
import type { Store } from '../stores/store.ts';
import type { CliContext } from './context.ts';
import { readerKeyFile } from './options.ts';
import type { ReaderKeyOptions } from './options.ts';

/** Opens the configured store, as `openResidentStore` does. */
export function openConfiguredStore(context: CliContext, config: Config): Promise<Store> {
  return openResidentStore(context, config, config.store, config.s3);
}

/**
 * Opens the store at an address. Where regions are promised it is asked for its own, and otherwise nothing yet.
 * @throws HoldfastError RESIDENCY_REFUSED, RESIDENCY_UNKNOWN, STORE_MISSING
 */
export async function openResidentStore(
  context: CliContext,
  { promises }: Pick<Config, 'promises'>,
  url: string,
  s3: S3Config,
): Promise<Store> {
  const store = await openStoreAt(context, url, s3);
  if (promises.residency.length === 0) return store;
  try {
    const { mustReside } = await import('./posture/residency.ts');
    await mustReside(store, promises.residency, context.signal);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Opens the store at an address; nothing is asked of it yet. One that must be waited for is said, once a method. */
async function openStoreAt({ output }: CliContext, url: string, s3: S3Config): Promise<Store> {
  const { openStore } = await import('../stores/open.ts');
  const onRetry = ({ method, error, attempt, waitMs }: RetryEvent) => {
    if (attempt === 1)
      output.note(`${method}: ${error.message}; trying again in ${Math.ceil(waitMs / 1000)} s`);
  };
  return openStore(url, { s3, retry: { onRetry } });
}

/** The source of a set. */
export async function openSource(config: Config, set: SetConfig, context: CliContext): Promise<Source> {
  if (set.source === 'sqlite') {
    const { sqliteSource } = await import('../sources/sqlite/source.ts');
    return sqliteSource({ path: set.path, scratch: join(config.stateDir, 'scratch', set.name) });
  }
  if (set.source === 'files') {
    const { filesSource } = await import('../sources/files/source.ts');
    const onWarning = (text: string) => context.output.warn(text);
    return filesSource({ root: set.path, exclude: set.exclude, ...ownFolders(config, set), onWarning });
  }
  const { resolveSourceUrl } = await import('../config/source-url.ts');
  const url = await resolveSourceUrl(set, context.env, context.signal);
  if (set.source === 'mysql') {
    const { mysqlSource } = await import('../sources/mysql/source.ts');
    return mysqlSource({ url, env: context.env });
  }
  if (set.source === 'redis') {
    const { redisSource } = await import('../sources/redis/source.ts');
    return redisSource({ url, env: context.env });
  }
  const { postgresSource } = await import('../sources/postgres/source.ts');
  return postgresSource({ url, env: context.env });
}

/** What holdfast itself writes on this machine, which is no part of anybody's files. */
function ownFolders(config: Config, { name, replicas }: SetConfig) {
  const stores = [config.store, ...replicas.map(({ store }) => store)];
  const never = stores.filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url));
  return { never: [config.stateDir, ...never], scratch: join(config.stateDir, 'scratch', name) };
}

/** What loads a dump of this kind into a database URL or file path. */
export async function openLoader(kind: SourceKind, to: string, env: NodeJS.ProcessEnv): Promise<Loader> {
  if (kind === 'sqlite') {
    const { sqliteLoader } = await import('../sources/sqlite/loader.ts');
    return sqliteLoader({ path: resolve(to) });
  }
  if (kind === 'files') {
    const { filesLoader } = await import('../sources/files/loader.ts');
    return filesLoader({ path: resolve(to) });
  }
  if (kind === 'mysql') {
    const { mysqlLoader } = await import('../sources/mysql/loader.ts');
    return mysqlLoader({ url: to, env });
  }
  if (kind === 'redis' && isRdbFile(to)) {
    const { redisFileLoader } = await import('../sources/redis/file-loader.ts');
    return redisFileLoader({ path: resolve(to) });
  }
  if (kind === 'redis') {
    const { redisLoader } = await import('../sources/redis/loader.ts');
    return redisLoader({ url: to, env });
  }
  const { postgresLoader } = await import('../sources/postgres/loader.ts');
  return postgresLoader({ url: to, env });
}

/** True for a place that is a file from which a Redis server starts. */
export function isRdbFile(to: string): boolean {
  return to.endsWith('.rdb') && !to.includes('://');
}

export interface ConfiguredKeys {
  readonly recipients: readonly openpgp.PublicKey[];
  readonly formerRecipients: readonly openpgp.PublicKey[];
  readonly trustedSigners: readonly openpgp.PublicKey[];
  readonly purgeSigners: readonly openpgp.PublicKey[];
}

/** The public keys that the configuration names, this host's own among the trusted signers. */
export async function readConfiguredKeys(config: Config): Promise<ConfiguredKeys> {
  const { readPublicKey } = await import('../openpgp/keys.ts');
  const all = (files: readonly string[]) => Promise.all(files.map(readPublicKey));
  const own = config.signingKey === undefined ? [] : [config.signingKey];
  return {
    recipients: await all(config.recipients),
    formerRecipients: await all(config.formerRecipients),
    trustedSigners: await all([...own, ...config.trustedSigners]),
    purgeSigners: await all(config.purgeSigners),
  };
}

/** A verified store, closed when the verb ends. */
export interface OpenedSession extends AsyncDisposable {
  readonly config: Config;
  readonly session: Session<Store>;
  readonly keys: ConfiguredKeys;
}

/**
 * Opens the configured store as a session.
 * @param more - further keys whose certifications count, e.g. the reader's own
 */
export async function openConfiguredSession(
  context: CliContext,
  more: readonly openpgp.PublicKey[] = [],
): Promise<OpenedSession> {
  const config = await context.config();
  const keys = await readConfiguredKeys(config);
  const store = await openConfiguredStore(context, config);
  try {
    const session = await openSessionOn(context, store, { keys, more, stateDir: config.stateDir });
    return { config, session, keys, [Symbol.asyncDispose]: () => store.close() };
  } catch (error) {
    await store.close();
    throw error;
  }
}

export interface SessionParts {
  readonly keys: ConfiguredKeys;
  /** Further keys whose certifications count. */
  readonly more: readonly openpgp.PublicKey[];
  readonly stateDir: string;
}

/** Proves that an opened store is there and is the one that this machine knows at that address. */
export async function openSessionOn(
  { signal }: CliContext,
  store: Store,
  { keys, more, stateDir }: SessionParts,
): Promise<Session<Store>> {
  const { openSession } = await import('../repository/session.ts');
  await store.check(signal);
  const { trustedSigners: signers, purgeSigners, formerRecipients } = keys;
  const recipients = [...keys.recipients, ...more];
  return openSession({ store, signers, recipients, purgeSigners, formerRecipients, stateDir }, signal);
}

/**
 * What opens manifests: the key file of `--key` or HOLDFAST_KEY, or gpg with `--gpg`.
 * @throws HoldfastError NO_PRIVATE_KEY and what reading the key throws
 */
export async function openReader(
  context: CliContext,
  options: ReaderKeyOptions,
): Promise<MessageOpener & StreamOpener> {
  if (options.gpg === true) {
    const { GpgOpener } = await import('../openpgp/gpg.ts');
    const { recipients } = await readConfiguredKeys(await context.config());
    return new GpgOpener(recipients, context.env);
  }
  const file = readerKeyFile(options, context.env);
  if (file === undefined) throw (await import('../openpgp/errors.ts')).noPrivateKey();
  const { readPrivateKey } = await import('../openpgp/keys.ts');
  const { KeyOpener } = await import('../openpgp/message.ts');
  const { readPassphrase } = await import('./terminal/secrets.ts');
  const passphrase = () =>
    readPassphrase(context.env, { prompt: `Passphrase of ${file}:`, io: context.io, signal: context.signal });
  return new KeyOpener([await readPrivateKey(file, async () => (await passphrase())?.reveal())]);
}
