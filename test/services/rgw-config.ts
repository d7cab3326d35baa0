/**
 * The settings of the S3 server of the tests: Ceph's RADOS Gateway on one monitor and one storage daemon, all in
 * memory, on loopback. Reference: docs.ceph.com, "Configuration"; release 16 (Debian 12).
 */
import type { Certificate } from './certificates.ts';

export interface RgwConfig {
  /** Everything lies below this folder. */
  readonly folder: string;
  readonly clusterId: string;
  readonly monitorPort: number;
  readonly gatewayPort: number;
  /** The gateway listens here with TLS as well. */
  readonly tlsPort: number;
  readonly certificate: Certificate;
  /** What the server answers when it is asked where a bucket is. */
  readonly region: string;
  /** How long a day of a lifecycle rule lasts; 0: real days, and passes run only when the test asks for one. */
  readonly lifecycleDaySeconds: number;
}

/** The text of `ceph.conf`. */
export function cephConfig(config: RgwConfig): string {
  return [
    section('global', { ...loopback(config), ...paths(config.folder), ...oneCopy, ...quick, ...silent }),
    section('mon.a', {
      'mon data': `${config.folder}/mon`,
      // Percent of the disk: the tests write next to nothing to it.
      'mon data avail warn': 1,
      'mon data avail crit': 1,
    }),
    section('osd', {
      'osd data': `${config.folder}/osd`,
      'osd objectstore': 'memstore',
      'memstore device bytes': 8 * 2 ** 30,
      'osd heartbeat grace': 3600,
      // Its first command can overtake the monitor's map, and then it exits with "wrong fsid": so it sends none, and
      // we put it into the CRUSH map ourselves.
      'osd crush update on start': false,
      'osd class update on start': false,
      'osd enable op tracker': false,
      // After SIGKILL the watches of a gateway linger this long (default 30 s) and block the making of buckets.
      'osd client watch timeout': 3,
    }),
    section('client.rgw', {
      // How often watches are renewed (default 5 s): more often than they end.
      'objecter tick interval': 1,
      'rgw frontends': frontend(config),
      'rgw data': `${config.folder}/rgw`,
      'rgw dns name': 'localhost',
      'rgw thread pool size': 32,
      'rgw enable usage log': false,
      'rgw enable ops log': false,
      'rgw dynamic resharding': false,
      'rgw override bucket index max shards': 1,
      // Deleted bytes leave the memory within seconds (default: 2 hours).
      'rgw gc obj min wait': 2,
      'rgw gc processor period': 5,
      'rgw gc processor max time': 5,
      ...lifecycle(config.lifecycleDaySeconds),
    }),
  ].join('\n');
}

function frontend({ gatewayPort, tlsPort, certificate }: RgwConfig): string {
  const plain = `endpoint=127.0.0.1:${String(gatewayPort)}`;
  const tls = `ssl_endpoint=127.0.0.1:${String(tlsPort)}`;
  const keys = `ssl_certificate=${certificate.certificateFile} ssl_private_key=${certificate.keyFile}`;
  return `beast ${plain} ${tls} ${keys} tcp_nodelay=1`;
}

type Settings = Readonly<Record<string, string | number | boolean>>;

function loopback(config: RgwConfig): Settings {
  return {
    fsid: config.clusterId,
    'mon initial members': 'a',
    'mon host': `v1:127.0.0.1:${String(config.monitorPort)}`,
    'no mon config': true,
    'public addr': '127.0.0.1',
    'cluster addr': '127.0.0.1',
    'ms bind msgr2': false,
    'auth cluster required': 'none',
    'auth service required': 'none',
    'auth client required': 'none',
  };
}

function paths(folder: string): Settings {
  return {
    'run dir': `${folder}/run`,
    'admin socket': `${folder}/run/$name.$pid.asok`,
    'crash dir': `${folder}/crash`,
    'log file': `${folder}/log/$name.log`,
    'mon cluster log file': `${folder}/log/cluster.log`,
  };
}

const oneCopy: Settings = {
  'osd pool default size': 1,
  'osd pool default min size': 1,
  'osd pool default pg num': 4,
  'osd pool default pgp num': 4,
  'osd pool default pg autoscale mode': 'off',
  'osd crush chooseleaf type': 0,
  'mon allow pool size one': true,
  'mon warn on pool no redundancy': false,
  'mon max pg per osd': 1000,
};

/** A monitor without peers may decide at once (default: up to 1 s for each change of a map). */
const quick: Settings = { 'paxos propose interval': 0.02, 'paxos min wait': 0.01 };

/** The gateway at level 1 writes one line for each request: enough to understand a failed test. */
const silent: Settings = {
  'debug ms': '0/0',
  'debug osd': '0/0',
  'debug mon': '0/0',
  'debug paxos': '0/0',
  'debug rgw': '1/0',
};

/**
 * With short days one pass over a bucket takes about 0.5 s, and 0.3 s more for each rule, and must end within a "day",
 * or the later rules never get their turn. Buckets that share a shard share its time: hence many shards.
 */
function lifecycle(daySeconds: number): Settings {
  const common = { 'rgw lc max wp worker': 1 };
  return daySeconds === 0
    ? { ...common, 'rgw enable lc threads': false, 'rgw lc max objs': 512 }
    : {
        ...common,
        'rgw lc debug interval': daySeconds,
        'rgw lc max objs': 128,
        'rgw lc max worker': 4,
        'rgw lc lock max time': 15,
      };
}

function section(name: string, settings: Settings): string {
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${String(value)}`);
  return `[${name}]\n${lines.join('\n')}\n`;
}
