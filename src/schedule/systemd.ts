/**
 * Units for systemd (systemd.timer(5), systemd.exec(5)): a service and a timer for each job. A service that runs is not started a
 * second time; a timer that was missed is made up for (`Persistent`).
 *
 * The services are shut in as far as the work allows: V8 makes machine code, so no `MemoryDenyWriteExecute`; who reads the files
 * of others needs that one capability; and commands around a backup (`before`, `after`) may need anything.
 */
import { dirname } from 'node:path';
import { two } from './plan.ts';
import type { Calendar, Job, ScheduleFacts } from './plan.ts';

export interface SystemdFacts extends ScheduleFacts {
  readonly user: string;
  readonly environment: string;
  readonly stateDir: string;
  /** Folders that are written to, beside the state: a store, and where SQLite keeps what belongs to a database. */
  readonly writes: readonly string[];
  /** What has to be mounted before. */
  readonly mounts: readonly string[];
  /** Files of other users are read: a set of files, or SQLite. */
  readonly readsFiles: boolean;
  /** Commands of a person's run around backups. */
  readonly hasHooks: boolean;
}

export interface UnitFile {
  readonly name: string;
  readonly text: string;
}

export function systemdUnits(facts: SystemdFacts, jobs: readonly Job[]): UnitFile[] {
  return jobs.flatMap((job) => [
    { name: `holdfast-${job.name}.service`, text: service(facts, job) },
    { name: `holdfast-${job.name}.timer`, text: timer(job) },
  ]);
}

const HOUR_SECONDS = 3600;

function service(facts: SystemdFacts, job: Job): string {
  const { program, configFile, user, environment, mounts } = facts;
  const retries = job.name === 'backup';
  const hours = job.when.everyHours;
  return unitText([
    [
      'Unit',
      [
        ['Description', `holdfast: ${job.what}`],
        ['Wants', 'network-online.target'],
        ['After', 'network-online.target'],
        ...(mounts.length > 0 ? [['RequiresMountsFor', mounts.map(unitPath).join(' ')] as const] : []),
        ...(retries
          ? ([
              ['StartLimitIntervalSec', `${Math.ceil((hours * HOUR_SECONDS) / 2)}s`],
              ['StartLimitBurst', '3'],
            ] as const)
          : []),
      ],
    ],
    [
      'Service',
      [
        ['Type', 'oneshot'],
        ['User', user],
        ['WorkingDirectory', escaped(dirname(configFile))],
        '# Lines NAME=value, without export; mode 600.',
        ['EnvironmentFile', `-${escaped(environment)}`],
        ['ExecStart', commandLine(program, ['--config', configFile, ...job.args])],
        ...(retries
          ? ([
              '# The network may be away for a while; a wrong configuration, a refusal or a missing key stays one.',
              ['Restart', 'on-failure'],
              ['RestartSec', hours < 24 ? '2min' : '10min'],
              ['RestartPreventExitStatus', '2 3 7 12'],
            ] as const)
          : []),
        ['Nice', '10'],
        ['IOSchedulingClass', 'best-effort'],
        ['IOSchedulingPriority', '7'],
        ...shutIn(facts),
      ],
    ],
  ]);
}

type Setting = readonly [name: string, value: string] | string;

function shutIn(facts: SystemdFacts): Setting[] {
  const { hasHooks } = facts;
  const always: Setting[] = [
    ['UMask', '0077'],
    ['CacheDirectory', 'holdfast'],
    ['CacheDirectoryMode', '0700'],
    ['Environment', 'XDG_CACHE_HOME=%C/holdfast'],
  ];
  if (hasHooks)
    return [
      ...always,
      '# before: and after: of a set run within this unit, and what they need decides: mounts, devices, other services.',
    ];
  return [
    ...always,
    ['ProtectSystem', 'strict'],
    ...stateOf(facts),
    ['ProtectHome', 'read-only'],
    ...capabilities(facts),
    ['NoNewPrivileges', 'yes'],
    ['PrivateTmp', 'yes'],
    ['PrivateDevices', 'yes'],
    ['ProtectClock', 'yes'],
    ['ProtectControlGroups', 'yes'],
    ['ProtectHostname', 'yes'],
    ['ProtectKernelLogs', 'yes'],
    ['ProtectKernelModules', 'yes'],
    ['ProtectKernelTunables', 'yes'],
    ['ProtectProc', 'invisible'],
    ['LockPersonality', 'yes'],
    ['RemoveIPC', 'yes'],
    ['RestrictAddressFamilies', 'AF_UNIX AF_INET AF_INET6 AF_NETLINK'],
    ['RestrictNamespaces', 'yes'],
    ['RestrictRealtime', 'yes'],
    ['RestrictSUIDSGID', 'yes'],
    ['SystemCallArchitectures', 'native'],
    ['SystemCallFilter', '@system-service'],
    ['SystemCallErrorNumber', 'EPERM'],
  ];
}

/** systemd makes a folder below /var/lib; any other has to be there, and `holdfast doctor` makes it. */
function stateOf({ stateDir, writes }: SystemdFacts): Setting[] {
  const [, own] = /^\/var\/lib\/([\w.-]+)$/.exec(stateDir) ?? [];
  const folders = [...(own === undefined ? [stateDir] : []), ...writes];
  return [
    ...(own === undefined
      ? []
      : ([
          ['StateDirectory', own],
          ['StateDirectoryMode', '0700'],
        ] as const)),
    ...folders.map((folder): Setting => ['ReadWritePaths', unitPath(folder)]),
  ];
}

/** root without these is somebody who may read nothing of others; anybody else needs the first one to read files. */
function capabilities({ user, readsFiles, writes }: SystemdFacts): Setting[] {
  const reading = readsFiles ? ['CAP_DAC_READ_SEARCH'] : [];
  if (user !== 'root')
    return [
      ['CapabilityBoundingSet', reading.join(' ')],
      ...(reading.length > 0 ? [['AmbientCapabilities', reading.join(' ')] as const] : []),
    ];
  const writing = writes.length > 0 ? ['CAP_DAC_OVERRIDE', 'CAP_CHOWN', 'CAP_FOWNER'] : [];
  return [['CapabilityBoundingSet', ['CAP_DAC_READ_SEARCH', ...writing].join(' ')]];
}

function timer({ name, what, when, jitterSeconds, catchUp }: Job): string {
  return unitText([
    ['Unit', [['Description', `holdfast: ${what}`]]],
    [
      'Timer',
      [
        ['OnCalendar', onCalendar(when)],
        ...(jitterSeconds > 0
          ? (['# So that not all hosts come at once.', ['RandomizedDelaySec', `${jitterSeconds}s`]] as const)
          : []),
        ['AccuracySec', '1min'],
        ...(catchUp
          ? (['# What was missed while the machine was off is made up for.', ['Persistent', 'true']] as const)
          : []),
        ['Unit', `holdfast-${name}.service`],
      ],
    ],
    ['Install', [['WantedBy', 'timers.target']]],
  ]);
}

/** systemd.time(7). */
export function onCalendar({ everyHours, hour, minute }: Calendar): string {
  const clock = (hours: string) => `*-*-* ${hours}:${two(minute)}:00`;
  if (everyHours === 1) return clock('*');
  if (everyHours < 24) return clock(`${two(hour)}/${everyHours}`);
  return everyHours === 24 ? clock(two(hour)) : `Sun ${clock(two(hour))}`;
}

function unitText(sections: readonly (readonly [name: string, settings: readonly Setting[]])[]): string {
  return sections
    .map(([name, settings]) => {
      const lines = settings.map((one) => (typeof one === 'string' ? one : `${one[0]}=${one[1]}`));
      return [`[${name}]`, ...lines, ''].join('\n');
    })
    .join('\n');
}

/** `%` starts a specifier, everywhere (systemd.unit(5)). All that a setting with one path needs. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%');
}

/** A path in a list of paths. */
function unitPath(path: string): string {
  return quoted(escaped(path));
}

/** A command line (systemd.service(5)): `$` starts a variable, but not in the path of the program. */
function commandLine(program: string, words: readonly string[]): string {
  const rest = words.map((word) => quoted(escaped(word).replaceAll('$', '$$$$')));
  return [quoted(escaped(program)), ...rest].join(' ');
}

function quoted(text: string): string {
  return /[\s"'\\;]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
}
