/** Redis and Valkey as a restore target: an empty server. */
import type { DumpReader, Loader, LoadOptions, LoadReport, Preflight, StoredStream } from '../source.ts';
import { encodeCommand, openConnection, type RedisConnection } from './connection.ts';
import { targetRefused } from './errors.ts';
import { databaseNumber, readFacts, type RedisFacts } from './facts.ts';
import { isOccupied, loadServer } from './load-server.ts';
import { ReplyError } from './replies.ts';
import { redisSettings, type RedisSettings } from './settings.ts';

export interface RedisLoaderOptions {
  /** `redis://user:password@host:port`; see `redisSettings`. */
  readonly url: string;
  /** For REDISCLI_AUTH. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * A loader for dumps of `redisSource`. One connection does everything, since a server does one thing at a time:
 * `jobs`, `globals` and `noOwner` mean nothing here. Keys whose time to live has ended do not come back.
 * @throws HoldfastError REDIS_URL
 */
export function redisLoader({ url, env }: RedisLoaderOptions): Loader {
  const settings = redisSettings(url, env);
  return {
    preflight: (dump, options, signal) => preflight(settings, dump, options, signal),
    load: (dump, options, signal) => load(settings, dump, options, signal),
  };
}

async function preflight(
  settings: RedisSettings,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Preflight> {
  const connection = await openConnection(settings, signal);
  try {
    const facts = await readFacts(connection);
    const { streams, unknown } = chooseStreams(dump, options.tables);
    return {
      target: `${facts.flavour} server ${settings.display}`,
      exists: true,
      occupied: await isOccupied(connection, facts),
      problems: [
        ...unknown.map((name) => `There is no database ${name} in this snapshot: correct --table.`),
        ...problemsOf(dump, facts),
        ...(await databasesLacking(connection, streams)),
      ],
      warnings: lackingModules(dump, facts),
    };
  } finally {
    connection.close();
  }
}

async function load(
  settings: RedisSettings,
  dump: DumpReader,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<LoadReport> {
  const { occupied, problems } = await preflight(settings, dump, options, signal);
  if (occupied) throw targetRefused(settings.display, 'holds something already');
  if (problems[0] !== undefined)
    throw targetRefused(settings.display, `cannot take this snapshot: ${problems[0]}`);
  return loadServer(settings, dump, chooseStreams(dump, options.tables).streams, options, signal);
}

/** Functions, and the keys of the databases that were chosen. */
export function chooseStreams(
  { streams }: Pick<DumpReader, 'streams'>,
  tables: readonly string[] | undefined,
): { readonly streams: readonly StoredStream[]; readonly unknown: readonly string[] } {
  const names = new Set(streams.flatMap(({ table }) => (table ? [table.name] : [])));
  return {
    streams: streams.filter(
      ({ table }) => table === undefined || tables === undefined || tables.includes(table.name),
    ),
    unknown: (tables ?? []).filter((name) => !names.has(name)),
  };
}

function problemsOf({ source }: DumpReader, facts: RedisFacts): string[] {
  const { serverVersion, estimatedBytes = 0 } = source;
  const isSameKind = source.facts['flavour'] === facts.flavour;
  return [
    ...(isSameKind && isOlder(facts.version, serverVersion)
      ? [
          `Its version ${facts.version} is older than ${serverVersion}, of which the backup is: use a newer server.`,
        ]
      : []),
    ...(facts.mode === 'cluster'
      ? ['It is a node of a cluster, which takes only some of the keys: use a server alone.']
      : []),
    ...(facts.role === 'replica'
      ? ['It is a replica and takes no writes: use its master, or REPLICAOF NO ONE.']
      : []),
    ...(facts.maxBytes > 0 && estimatedBytes > facts.maxBytes
      ? [
          `Its maxmemory of ${facts.maxBytes} bytes is less than the ${estimatedBytes} that the data took: raise it.`,
        ]
      : []),
  ];
}

/** By the first two numbers: those after them are repairs. */
function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = than.split('.').map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

async function databasesLacking(
  connection: RedisConnection,
  streams: readonly StoredStream[],
): Promise<string[]> {
  const numbers = streams.flatMap(({ table }) => databaseNumber(table?.name ?? '') ?? []);
  const highest = Math.max(0, ...numbers);
  const reply = await connection.send(encodeCommand(['SELECT', String(highest)]));
  if (!(reply instanceof ReplyError)) return [];
  return [`It has no database ${highest} (${reply.text}): raise its setting databases.`];
}

function lackingModules({ source }: DumpReader, facts: RedisFacts): string[] {
  const modules = source.facts['modules'];
  if (!Array.isArray(modules)) return [];
  const lacking = modules.map(String).filter((name) => !facts.modules.includes(name));
  return lacking.length === 0
    ? []
    : [`it lacks the modules ${lacking.join(', ')}: a value of theirs stops the restore`];
}
