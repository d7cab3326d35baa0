/** `monitors:`: who is told how runs ended. Schema, rules and the form in which the program uses them. */
import * as z from 'zod';
import { splitCommand } from './command.ts';
import type { Connection, MonitorConfig, MonitoredVerb, MonitorKind } from './config.ts';
import { parseSeconds } from './duration.ts';
import { Secret } from './secret.ts';

const MONITOR_KINDS: readonly MonitorKind[] = ['ping', 'webhook', 'email', 'metrics'];

const MONITORED_VERBS: readonly MonitoredVerb[] = [
  ...(['backup', 'copy', 'drill', 'expire', 'purge', 'verify'] as const),
];

const URL_KEYS = ['url', 'url_env', 'url_file', 'url_command'] as const;

/** The keys that belong to a kind, beside those that all have. */
const KEYS: Readonly<Record<MonitorKind, readonly string[]>> = {
  ping: [...URL_KEYS, 'failure', 'when', 'timeout', 'ca_file'],
  webhook: [...URL_KEYS, 'format', 'when', 'timeout', 'ca_file'],
  email: [...URL_KEYS, 'from', 'to', 'when', 'timeout', 'ca_file'],
  metrics: ['path'],
};

const NEEDED: Readonly<Record<MonitorKind, readonly string[]>> = {
  ping: [],
  webhook: [],
  email: ['from', 'to'],
  metrics: ['path'],
};

/** How the URL of each kind begins. */
const SCHEMES: Readonly<Partial<Record<string, readonly string[]>>> = {
  ping: ['https', 'http'],
  webhook: ['https', 'http'],
  email: ['smtps', 'smtp'],
};

/** One check is one schedule: that of backups, when nobody says which. */
const VERBS_OF: Readonly<Record<MonitorKind, readonly MonitoredVerb[]>> = {
  ping: ['backup'],
  webhook: MONITORED_VERBS,
  email: MONITORED_VERBS,
  metrics: MONITORED_VERBS,
};

const TIMEOUT_SECONDS = 30;

type PartName = 'text' | 'seconds' | 'name' | 'variable';
type Parts = Record<PartName, z.ZodType<string>> & {
  readonly command: z.ZodType<string | readonly string[]>;
};

/** @param of - schemas of values that other parts of the file have, too */
export function monitorSchema({ text, seconds, name, variable, command }: Parts) {
  return z.strictObject({
    kind: z.enum(MONITOR_KINDS),
    url: text.optional(),
    url_env: variable.optional(),
    url_file: text.optional(),
    url_command: command.optional(),
    path: text.optional(),
    format: z.enum(['json', 'slack']).optional(),
    from: text.optional(),
    to: z.union([text, z.array(text).min(1).max(100)]).optional(),
    failure: z
      .string()
      .regex(/^[/?][A-Za-z0-9._~/?=&%-]{1,200}$/, 'must begin with / or ?, as in /fail or ?status=down')
      .optional(),
    when: z.enum(['always', 'success', 'failure']).optional(),
    sets: z.array(name).min(1).max(1000).optional(),
    verbs: z.array(z.enum(MONITORED_VERBS)).min(1).max(MONITORED_VERBS.length).optional(),
    timeout: seconds.optional(),
    ca_file: text.optional(),
  });
}

export type RawMonitor = z.output<ReturnType<typeof monitorSchema>>;

/** Something wrong, at a key or a value below `monitors`. */
export interface MonitorProblem {
  readonly path: readonly PropertyKey[];
  readonly at: 'key' | 'value';
  readonly message: string;
}

type Raw = Readonly<Record<string, unknown>>;

/** What is wrong beyond single values. Works on what the YAML gave, valid or not. */
export function problemsOfMonitors(monitors: unknown, sets: readonly string[]): readonly MonitorProblem[] {
  if (!Array.isArray(monitors)) return [];
  return monitors.flatMap((value: unknown, index) => {
    const monitor = (typeof value === 'object' && value !== null ? value : {}) as Raw;
    const found = [...kindProblems(monitor), ...setProblems(monitor['sets'], sets)];
    return found.map((problem) => ({ ...problem, path: [index, ...problem.path] }));
  });
}

function kindProblems(monitor: Raw): MonitorProblem[] {
  const kind = MONITOR_KINDS.find((one) => one === monitor['kind']);
  if (kind === undefined) return [];
  const keys = Object.keys(monitor).filter((key) => monitor[key] !== undefined);
  const foreign = keys.filter((key) => !KEYS[kind].includes(key) && isOfSomeKind(key));
  const urls = URL_KEYS.filter((key) => monitor[key] !== undefined);
  const takesUrl = KEYS[kind].includes('url');
  return [
    ...foreign.map((key) => atKey(key, `is not for ${kind}, which takes ${KEYS[kind].join(', ')}`)),
    ...(takesUrl && urls.length === 0 ? [atValue([], `${kind} needs one of ${URL_KEYS.join(', ')}`)] : []),
    ...(takesUrl ? urls.slice(1) : []).map((key) =>
      atKey(key, `only one of ${urls.join(', ')} may be given`),
    ),
    ...NEEDED[kind]
      .filter((key) => monitor[key] === undefined)
      .map((key) => atValue([], `${kind} needs ${key}`)),
    ...valueProblems(kind, monitor),
  ];
}

function isOfSomeKind(key: string): boolean {
  return Object.values(KEYS).some((keys) => keys.includes(key));
}

function valueProblems(kind: MonitorKind, { url, path }: Raw): MonitorProblem[] {
  const wrong = typeof url === 'string' ? monitorUrlProblem(kind, url) : undefined;
  const isOdd = kind === 'metrics' && typeof path === 'string' && !path.endsWith('.prom');
  return [
    ...(wrong === undefined ? [] : [atValue(['url'], wrong)]),
    ...(isOdd ? [atValue(['path'], 'must end in .prom: node_exporter reads no other files')] : []),
  ];
}

function setProblems(named: unknown, sets: readonly string[]): MonitorProblem[] {
  if (!Array.isArray(named)) return [];
  return named.flatMap((name: unknown, index) =>
    typeof name !== 'string' || sets.includes(name)
      ? []
      : [atValue(['sets', index], `there is no set of this name; there is ${sets.join(', ')}`)],
  );
}

function atValue(path: readonly PropertyKey[], message: string): MonitorProblem {
  return { path, at: 'value', message };
}

function atKey(key: string, message: string): MonitorProblem {
  return { path: [key], at: 'key', message };
}

/** What is wrong with the URL of a monitor, without quoting it; undefined when it can be one. */
export function monitorUrlProblem(kind: MonitorKind, url: string): string | undefined {
  const schemes = SCHEMES[kind] ?? [];
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed?.hostname && schemes.includes(parsed.protocol.slice(0, -1)) && !/\s/.test(url)) return undefined;
  return `must start with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}, name a host and contain no spaces`;
}

/** Total: every valid monitor has one. */
export function monitorFrom(
  raw: RawMonitor,
  index: number,
  { absolute, folder }: { readonly absolute: (path: string) => string; readonly folder: string },
): MonitorConfig {
  const { kind, sets, verbs } = raw;
  const base = { place: `monitors[${index}]`, ...(sets && { sets }), verbs: verbs ?? VERBS_OF[kind] };
  if (kind === 'metrics') return { ...base, kind, path: absolute(raw.path ?? '') };
  const remote = {
    ...base,
    address: addressFrom(raw, absolute, folder),
    when: raw.when ?? (kind === 'email' ? 'failure' : 'always'),
    timeoutSeconds: raw.timeout === undefined ? TIMEOUT_SECONDS : parseSeconds(raw.timeout),
    ...(raw.ca_file !== undefined && { caFile: absolute(raw.ca_file) }),
  } as const;
  if (kind === 'ping') return { ...remote, kind, failure: raw.failure ?? '/fail' };
  if (kind === 'webhook') return { ...remote, kind, format: raw.format ?? 'json' };
  const to = raw.to ?? [];
  return { ...remote, kind, from: raw.from ?? '', to: typeof to === 'string' ? [to] : to };
}

function addressFrom(raw: RawMonitor, absolute: (path: string) => string, folder: string): Connection {
  const { url, url_env, url_file, url_command } = raw;
  if (url !== undefined) return { from: 'url', url: new Secret(url) };
  if (url_env !== undefined) return { from: 'variable', variable: url_env };
  if (url_file !== undefined) return { from: 'file', path: absolute(url_file) };
  const argv = url_command ?? [];
  return { from: 'command', argv: typeof argv === 'string' ? splitCommand(argv) : argv, folder };
}
