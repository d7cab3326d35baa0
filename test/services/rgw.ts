/**
 * A real S3 server for tests: Ceph's RADOS Gateway. It has what the small imitations lack: conditional puts, versions,
 * Object Lock, bucket policies, and lifecycle rules that are really carried out.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificate } from './certificates.ts';
import { guardedFolder } from './guard.ts';
import { locateOrThrow } from './packages.ts';
import type { Daemon } from './processes.ts';
import { freePort, runTool, startDaemon, waitUntilReady, withFreshPorts } from './processes.ts';
import type { RgwConfig } from './rgw-config.ts';
import { cephConfig } from './rgw-config.ts';
import type { S3Access, S3Address, S3User } from './s3-access.ts';
import { adminArgs, createUserArgs, newUser, s3At } from './s3-access.ts';

export interface RgwOptions {
  /**
   * Seconds that a day of a lifecycle rule lasts; the server then expires by itself (2 s carry up to 5 rules, 30 rules
   * need 10 s). Default 0: real days, and only `lifecyclePass` expires.
   */
  readonly lifecycleDaySeconds?: number;
  /** Where the server says that its buckets are. Default `ca-central-1`. */
  readonly region?: string;
  /** An existing folder that someone else removes. Default: a temporary folder of its own. */
  readonly folder?: string;
}

/** A server that belongs to the caller. */
export interface RgwServer extends S3Access {
  /** For `s3At` in another process. */
  readonly address: S3Address;
  /**
   * Kills the gateway and starts it again on the same port with the same data: clients see a broken connection.
   * Beware with short days: a lifecycle pass that is killed leaves its bucket marked busy, and nothing expires there.
   */
  bounce(): Promise<void>;
  /** Stops the gateway without closing connections (SIGSTOP), until `thaw`: clients see silence. */
  freeze(): void;
  thaw(): void;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/** The daemons of one server, by the name in its folder. */
interface Cluster {
  readonly config: RgwConfig;
  readonly owner: S3User;
  readonly writer: S3User;
  readonly daemons: Map<'mon' | 'osd' | 'rgw', Daemon>;
}

const OSD_WEIGHT = '1.0';

/** The region of a server that is not told another one. */
const HOME_REGION = 'ca-central-1';

/** Starts an empty server with the users `owner` and `writer`: 1 to 2 s. */
export async function startRgw(options: RgwOptions = {}): Promise<RgwServer> {
  const guarded = options.folder === undefined ? await guardedFolder() : undefined;
  const region = options.region ?? HOME_REGION;
  // A short name: paths of sockets below it end at 107 bytes.
  const folder = await mkdtemp(join(options.folder ?? guarded?.path ?? '', 'rgw-'));
  try {
    const cluster = await withFreshPorts(() =>
      startCluster(folder, region, options.lifecycleDaySeconds ?? 0),
    );
    return serverOf(cluster, async () => {
      await endDaemons(cluster);
      await rm(folder, { recursive: true, force: true, maxRetries: 30, retryDelay: 50 });
      await guarded?.remove();
    });
  } catch (error) {
    await guarded?.remove();
    throw error;
  }
}

function serverOf(cluster: Cluster, stop: () => Promise<void>): RgwServer {
  const { config, owner, writer, daemons } = cluster;
  const address: S3Address = {
    endpoint: endpointOf(config),
    tlsEndpoint: `https://127.0.0.1:${String(config.tlsPort)}`,
    caFile: config.certificate.caFile,
    region: config.region,
    owner,
    writer,
    configFile: configFileOf(config),
  };
  return {
    ...s3At(address),
    address,
    bounce: async () => {
      await daemons.get('rgw')?.stop();
      await startGateway(cluster);
    },
    freeze: () => daemons.get('rgw')?.signal('SIGSTOP'),
    thaw: () => daemons.get('rgw')?.signal('SIGCONT'),
    stop,
  };
}

async function startCluster(folder: string, region: string, lifecycleDaySeconds: number): Promise<Cluster> {
  await makeFolders(folder);
  const config: RgwConfig = {
    folder,
    clusterId: randomUUID(),
    monitorPort: await freePort(),
    gatewayPort: await freePort(),
    tlsPort: await freePort(),
    certificate: await makeCertificate(join(folder, 'tls')),
    region,
    lifecycleDaySeconds,
  };
  const cluster: Cluster = { config, owner: newUser('owner'), writer: newUser('writer'), daemons: new Map() };
  try {
    await writeFile(configFileOf(config), cephConfig(config), { mode: 0o600 });
    await startMonitor(cluster);
    await startStorage(cluster);
    // The first command makes the gateway's pools as well, and waits for the storage daemon by itself.
    await admin(config, createUserArgs(cluster.owner, 1000));
    // Before the gateway starts, which reads it once.
    await admin(config, ['zonegroup', 'modify', '--rgw-zonegroup=default', `--api-name=${region}`]);
    await Promise.all([admin(config, createUserArgs(cluster.writer, -1)), startGateway(cluster)]);
    return cluster;
  } catch (error) {
    await endDaemons(cluster);
    throw error;
  }
}

async function makeFolders(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log', 'crash', 'tls']) await mkdir(join(folder, name));
}

async function startMonitor(cluster: Cluster): Promise<void> {
  const { config } = cluster;
  const monitorMap = join(config.folder, 'monmap');
  const address = `[v1:127.0.0.1:${String(config.monitorPort)}]`;
  await tool(config, 'monmaptool', [
    '--create',
    '--fsid',
    config.clusterId,
    '--addv',
    'a',
    address,
    monitorMap,
  ]);
  await tool(config, 'ceph-mon', ['--mkfs', '-i', 'a', '--monmap', monitorMap]);
  await startPart(cluster, 'mon', 'ceph-mon', ['-i', 'a']);
}

async function startStorage(cluster: Cluster): Promise<void> {
  const { config } = cluster;
  const id = randomUUID();
  const commands = `osd new ${id}\nosd crush add osd.0 ${OSD_WEIGHT} root=default host=one\n`;
  await tool(config, 'ceph', ['--connect-timeout', '20'], commands);
  await tool(config, 'ceph-osd', ['--mkfs', '-i', '0', '--osd-uuid', id]);
  await startPart(cluster, 'osd', 'ceph-osd', ['-i', '0']);
}

async function startGateway(cluster: Cluster): Promise<void> {
  const daemon = await startPart(cluster, 'rgw', 'radosgw', ['-n', 'client.rgw']);
  await waitUntilReady('radosgw', daemon, () => answers(endpointOf(cluster.config)));
}

async function startPart(
  cluster: Cluster,
  part: 'mon' | 'osd' | 'rgw',
  command: string,
  args: readonly string[],
): Promise<Daemon> {
  const { folder } = cluster.config;
  const foreground = ['-f', '-c', configFileOf(cluster.config)];
  const daemon = await startDaemon(locateOrThrow(command), [...foreground, ...args], {
    logFile: join(folder, 'log', `${part}.out`),
    cwd: folder,
  });
  cluster.daemons.set(part, daemon);
  return daemon;
}

/** SIGKILL for all: nothing is worth saving, and a clean end takes each of them 2 s. */
async function endDaemons(cluster: Cluster): Promise<void> {
  await Promise.all([...cluster.daemons.values()].map((daemon) => daemon.stop()));
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    const response = await fetch(endpoint, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

async function admin(config: RgwConfig, args: readonly string[]): Promise<void> {
  await runTool(locateOrThrow('radosgw-admin'), adminArgs(configFileOf(config), args));
}

async function tool(
  config: RgwConfig,
  command: string,
  args: readonly string[],
  input?: string,
): Promise<void> {
  const all = ['--conf', configFileOf(config), ...args];
  await runTool(locateOrThrow(command), all, input === undefined ? {} : { input });
}

function configFileOf(config: RgwConfig): string {
  return join(config.folder, 'ceph.conf');
}

function endpointOf(config: RgwConfig): string {
  return `http://127.0.0.1:${String(config.gatewayPort)}`;
}
